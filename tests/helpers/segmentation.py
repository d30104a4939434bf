"""The demo's segmentation model and phantoms, for tests that segment something."""

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import yaml
from livermets.phantoms.phantom import make_phantom
from livermets.segmentation import inference
from livermets.segmentation.model_archive import hash_model
from livermets.segmentation.model_chain import load_chain

ROOT = Path(__file__).parents[2]
DEMO_MODEL = ROOT / "resources/demo/model.zip"
DEMO_CONFIG = yaml.safe_load((ROOT / "tests/demo/config/config.yaml").read_text())
CLASSES = ["colorectal", "pancreatic"]


def demo_model(**changes: Any) -> dict[str, Any]:
    """The shipped model as a configuration names it."""
    labels = {"liver": 1, "lesion": 2}
    sha256 = hash_model(DEMO_MODEL)
    return {"name": "demo", "path": DEMO_MODEL, "sha256": sha256, "labels": labels, **changes}


def demo_phantom(patient: str = "U01", **changes: Any) -> tuple[sitk.Image, sitk.Image]:
    """CT and mask of a phantom like the demo's, which the shipped model has not seen."""
    settings = {k: v for k, v in DEMO_CONFIG["phantoms"].items() if k != "separability"}
    return make_phantom(patient, "pancreatic", CLASSES, 99, **{**settings, **changes})


def segment(ct: sitk.Image, models: list[dict], *args: Any, **settings: Any) -> sitk.Image:
    """The mask of a CT by a chain that is loaded for it alone."""
    return inference.segment(ct, load_chain(models, *args, **settings)).mask


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Dice of two boolean arrays."""
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def arrays(*images: sitk.Image) -> list[np.ndarray]:
    """The voxels of each image."""
    return [sitk.GetArrayFromImage(image) for image in images]


def training_cases(folder: Path) -> list[tuple[str, Path, Path]]:
    """Patient, CT and mask of two small phantoms."""
    cases = []
    for patient in ("T1", "T2"):
        images = make_phantom(
            patient,
            "a",
            ["a"],
            1,
            size=(20, 40, 40),
            spacing_mm=(6.0, 6.0, 6.0),
            lesions_per_class={"a": 5},
        )
        paths = [folder / f"{patient}_{part}.nii.gz" for part in ("ct", "mask")]
        for image, path in zip(images, paths, strict=True):
            sitk.WriteImage(image, str(path))
        cases.append((patient, *paths))
    return cases
