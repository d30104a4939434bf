"""The software with its versions, and the configuration of the run."""

import platform
from importlib import metadata
from typing import Any

import yaml

from livermets import __version__
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults

PACKAGES = (
    *("snakemake", "SimpleITK", "pydicom", "nnunetv2", "torch", "monai", "pyradiomics"),
    *("connected-components-3d", "scikit-image", "scikit-learn", "imbalanced-learn", "xgboost"),
    *("numpy", "scipy", "pandas", "pyarrow", "tableone", "matplotlib", "Jinja2"),
)


def context(results: StudyResults) -> dict[str, Any]:
    """The versions, the configuration as YAML and the seed."""
    return {
        "versions": software_versions(),
        "yaml": yaml.safe_dump(results.config, sort_keys=False, allow_unicode=True),
        "seed": results.config["seed"],
    }


def software_versions() -> dict[str, str]:
    """Versions of Python, livermets and those of `PACKAGES` that this environment has."""
    versions = {"Python": platform.python_version(), "livermets": __version__}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


SECTION = Section("software", "Software and configuration", "software.html.j2", context)
