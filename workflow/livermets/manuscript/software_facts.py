"""Software of the run for the methods section: what took part, its version and its reference."""

import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from livermets import __version__
from livermets.manuscript.model_facts import model_facts
from livermets.manuscript.run_files import RunFiles

PINS = [Path(__file__).parents[3] / "envs" / f"workstation.{end}" for end in ("lock", "in")]
REFERENCES = {
    "Snakemake": ("snakemake", "snakemake"),
    "SimpleITK": ("simpleitk", "simpleitk"),
    "nnU-Net": ("nnunetv2", "nnunet"),
    "pyradiomics": ("pyradiomics", "pyradiomics"),
    "scikit-learn": ("scikit-learn", "sklearn"),
    "imbalanced-learn": ("imbalanced-learn", "imblearn"),
    "XGBoost": ("xgboost", "xgboost"),
    "PyTorch": ("torch", "pytorch"),
    "MONAI": ("monai", "monai"),
    "NumPy": ("numpy", "numpy"),
    "SciPy": ("scipy", "scipy"),
    "pandas": ("pandas", "pandas"),
    "tableone": ("tableone", "tableone"),
    "Matplotlib": ("matplotlib", "matplotlib"),
}  # name in print -> distribution, key of the reference


def software_facts(run: RunFiles) -> dict[str, Any]:
    """Collect the software that took part in this run, each with version and citation."""
    models = model_facts(run)
    nnunet = any(model["kind"] == "nnunet" for model in run.config["segmentation"]["models"])
    took_part = {
        "SimpleITK": run.from_images,
        "nnU-Net": run.from_images and nnunet and bool(run.names("segmentation/*.nii.gz")),
        "pyradiomics": run.from_images,
        "XGBoost": "xgboost" in models["names"],
        "PyTorch": models["densenet"],
        "MONAI": models["densenet"],
    }
    used = {name: key for name, key in REFERENCES.items() if took_part.get(name, True)}
    return {
        "python": platform.python_version(),
        "livermets": __version__,
        "packages": [
            {"name": name, "version": version(distribution, run), "key": key}
            for name, (distribution, key) in used.items()
        ],
    }


def version(distribution: str, run: RunFiles) -> str:
    """Find the version of a package: that of the extraction, of this environment, or the pin.

    The rules run in environments of their own, whose pins equal those of the workstation's lock.
    """
    recorded: str = run.radiomics_metadata.get("versions", {}).get(distribution, "")
    if recorded:
        return recorded
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        pins = "\n".join(path.read_text(encoding="utf-8") for path in PINS)
        return pinned(pins, distribution)


def pinned(lock: str, distribution: str) -> str:
    r"""Read the version of a package from the text of a lock file; "" where it has none.

    >>> pinned("numpy==2.4.6\nscipy==1.17.1 ; python_version < '4'", "scipy")
    '1.17.1'
    """
    found = re.search(rf"^{re.escape(distribution)}==([^\s;]+)", lock, re.MULTILINE)
    return found[1] if found else ""
