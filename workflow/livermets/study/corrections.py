"""Where a reader's corrected mask lies. The workflow asks while it plans: standard library only."""

import json
from pathlib import Path

from livermets.core.errors import BadPatient

SUFFIXES = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".dcm")
SIDECAR = {"reader", "tool", "date", "note"}


def find_correction(folder: str | Path, patient: str) -> Path | None:
    """The corrected mask of a patient in the folder of corrections, None where there is none."""
    found = [path for suffix in SUFFIXES if (path := Path(folder) / f"{patient}{suffix}").exists()]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise BadPatient(patient, f"there are two corrected masks, {names}", "Keep one of them")
    return found[0] if found else None


def find_sidecar(folder: str | Path, patient: str) -> Path | None:
    """The file `{patient}.json` that says who corrected the mask, None where there is none."""
    path = Path(folder) / f"{patient}.json"
    return path if path.exists() else None


def read_sidecar(path: Path, patient: str) -> dict[str, str]:
    """Who corrected the mask, with what tool and when: `reader`, `tool`, `date` and `note`."""
    known = ", ".join(sorted(SIDECAR))
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadPatient(
            patient, f"{path.name} in the corrections is no JSON ({error})", f"Write {{{known}}}"
        ) from error
    if not isinstance(said, dict) or set(said) - SIDECAR:
        strange = ", ".join(sorted(set(said) - SIDECAR)) if isinstance(said, dict) else "no keys"
        raise BadPatient(
            patient, f"{path.name} in the corrections has {strange}", f"Use the keys {known}"
        )
    return {key: str(value) for key, value in said.items()}
