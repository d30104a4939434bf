"""Files of corrected masks, and the sidecars that describe them.

The workflow imports this while it plans, so only the standard library is used.
"""

import json
from pathlib import Path

from livermets.core.errors import BadPatient

SUFFIXES = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".dcm")
SIDECAR = {"reader", "tool", "date", "note"}


def find_correction(folder: str | Path, patient: str) -> Path | None:
    """The corrected mask of a patient in the folder of corrections, None if there is none.

    Raises
    ------
    BadPatient
        If there are two masks.
    """
    candidates = [Path(folder) / f"{patient}{suffix}" for suffix in SUFFIXES]
    masks = [path for path in candidates if path.exists()]
    if len(masks) > 1:
        names = " and ".join(path.name for path in masks)
        raise BadPatient(patient, f"there are two corrected masks, {names}", "Keep one of them")
    return masks[0] if masks else None


def find_sidecar(folder: str | Path, patient: str) -> Path | None:
    """The sidecar `{patient}.json` of a corrected mask, None if there is none."""
    path = Path(folder) / f"{patient}.json"
    return path if path.exists() else None


def read_sidecar(path: Path, patient: str) -> dict[str, str]:
    """The keys of a sidecar: `reader`, `tool` and `date` of the correction, and a `note`.

    Raises
    ------
    BadPatient
        If the file is no JSON object, or has other keys.
    """
    keys = ", ".join(sorted(SIDECAR))
    try:
        sidecar = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadPatient(
            patient, f"{path.name} in the corrections is no JSON ({error})", f"Write {{{keys}}}"
        ) from error
    if not isinstance(sidecar, dict) or set(sidecar) - SIDECAR:
        unknown_keys = sorted(set(sidecar) - SIDECAR) if isinstance(sidecar, dict) else ["no keys"]
        raise BadPatient(
            patient,
            f"{path.name} in the corrections has {', '.join(unknown_keys)}",
            f"Use the keys {keys}",
        )
    return {key: str(value) for key, value in sidecar.items()}
