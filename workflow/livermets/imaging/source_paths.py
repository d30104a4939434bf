"""Paths of CTs that name no scan: nothing, an archive, the contents of a CD, a folder of NIfTI."""

from pathlib import Path

from livermets.core.errors import BadPatient
from livermets.imaging.nifti_nrrd import SUFFIXES

PACKED = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")


def refuse_no_scan(path: Path, patient: str) -> None:
    """Refuse a path that names no scan, with the path that would.

    Raises
    ------
    BadPatient
        The path does not exist, is a packed archive or a DICOMDIR, or is a folder whose only images
        are NIfTI or NRRD files.
    """
    if not path.exists():
        raise BadPatient(patient, f"the CT {path} does not exist", "Correct the path in the sheet")
    if path.is_file() and path.name.lower().endswith(PACKED):
        raise BadPatient(
            patient,
            f"the CT {path} is a packed archive",
            "Unpack it, and name the folder that directly holds the slices",
        )
    if path.is_file() and path.name.upper() == "DICOMDIR":
        raise BadPatient(
            patient,
            f"the CT {path} is the table of contents of a CD, without images",
            "Name the folder that directly holds the slices; `make cohort` finds it",
        )
    if not path.is_dir():
        return
    names = sorted(file.name for file in path.iterdir() if not file.name.startswith("."))
    volumes = [name for name in names if name.lower().endswith(SUFFIXES)]
    if volumes and len(volumes) == len(names):
        raise BadPatient(
            patient,
            f"the folder of the CT holds no DICOM but {len(volumes)} NIfTI or NRRD files"
            f" ({volumes[0]})",
            "Name the file itself",
        )
