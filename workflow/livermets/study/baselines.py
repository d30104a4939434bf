"""Baselines: which of them a features table has the columns for."""

from collections.abc import Iterable

from livermets.study.arms import BASELINES
from livermets.study.names import CLINICAL, SITE

# pyradiomics' names of a lesion's volume, the voxel count first
_VOLUMES = ("shape_VoxelVolume", "shape_MeshVolume", "shape_Volume")


def volume_column(columns: Iterable[str]) -> str | None:
    """The column that tells a lesion's volume: `volume_ml`, else a radiomics shape feature."""
    columns = list(columns)
    if "volume_ml" in columns:
        return "volume_ml"
    return next((c for end in _VOLUMES for c in columns if c.endswith(end)), None)


def available_baselines(columns: Iterable[str]) -> list[str]:
    """Baselines that a table with these columns allows, in the order of `BASELINES`."""
    columns = list(columns)
    clinical = any(column.startswith(CLINICAL) for column in columns)
    available = {
        "majority": True,
        "volume": volume_column(columns) is not None,
        "burden": "burden" in columns,
        "clinical": clinical,
        "site": SITE in columns,
        "radiomics_clinical": clinical,
    }
    return [name for name in BASELINES if available[name]]
