"""Where a reader's corrected mask lies. The workflow asks while it plans: standard library only."""

from pathlib import Path

from livermets.errors import BadPatient

SUFFIXES = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd")


def find_correction(folder: str | Path, patient: str) -> Path | None:
    """The corrected mask of a patient in the folder of corrections, None where there is none."""
    found = [path for suffix in SUFFIXES if (path := Path(folder) / f"{patient}{suffix}").exists()]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise BadPatient(patient, f"there are two corrected masks, {names}", "Keep one of them")
    return found[0] if found else None
