"""Files of corrected masks, and the sidecars that describe them.

The workflow imports this while it plans, so only the standard library is used.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from livermets.core.errors import BadInput, BadPatient
from livermets.core.scan_ids import patient_of, scan_name

SUFFIXES = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".dcm")
SIDECAR = {"reader", "tool", "date", "note"}


def find_correction(folder: str | Path, scan: str) -> Path | None:
    """The corrected mask of a scan in the folder of corrections, None if there is none.

    Raises
    ------
    BadPatient
        If there are two masks.
    """
    candidates = [Path(folder) / f"{scan}{suffix}" for suffix in SUFFIXES]
    masks = [path for path in candidates if path.exists()]
    if len(masks) > 1:
        names = " and ".join(path.name for path in masks)
        raise BadPatient(scan, f"there are two corrected masks, {names}", "Keep one of them")
    return masks[0] if masks else None


def refuse_strangers(folder: str | Path, scans: Iterable[str]) -> None:
    """Refuse a file in the folder of corrections that belongs to no scan of the sheet.

    Such a file would be ignored, and the study would use the uncorrected mask. Hidden files
    (.DS_Store, ._P01.nrrd) are left aside.

    Parameters
    ----------
    folder : path
        The folder of corrections; it need not exist.
    scans : iterable of str
        Ids of the scans of the sheet (`core.scan_ids`).

    Raises
    ------
    BadInput
        Naming the file and, if there is one, the scan with the nearest id.
    """
    if not Path(folder).is_dir():
        return
    ids = {scan.casefold(): scan for scan in scans}
    expected = {f"{scan}{end}" for scan in ids.values() for end in (*SUFFIXES, ".json")}
    for name in sorted(path.name for path in Path(folder).iterdir()):
        if name.startswith(".") or name in expected:
            continue
        raise BadInput(
            f"{Path(folder) / name} is not named as the correction of a patient in the cohort "
            f"sheet. {_remedy(name, ids)}."
        )


def _remedy(name: str, ids: Mapping[str, str]) -> str:
    """What to do about a file of another name; `ids` has the scans by ids in small letters."""
    stem = name.split(".")[0]
    suffix = next((end for end in SUFFIXES if name.lower().endswith(end)), None)
    of_patient = [ids[key] for key in ids if scan_name(key) and patient_of(key) == stem.casefold()]
    if of_patient:
        named = [f"{scan}{suffix or SUFFIXES[0]}" for scan in of_patient]
        return (
            f"Patient {patient_of(of_patient[0])} has several scans: name the file after the one "
            f"that it was drawn on, {' or '.join(named)}"
        )
    near = difflib.get_close_matches(stem.casefold(), ids, n=1)
    begins = [key for key in ids if stem.casefold().startswith(key)]
    nearest = max(begins, key=len) if begins else near[0] if near else None
    if nearest is None:
        return "Name it after a patient of the sheet, or move it out of the folder"
    if suffix is None and not name.lower().endswith(".json"):
        return (
            f"The nearest patient is {ids[nearest]}: save the mask as {ids[nearest]}{SUFFIXES[0]} "
            f"(or {', '.join(SUFFIXES[1:])}), or move the file out of the folder"
        )
    return (
        f"The nearest patient is {ids[nearest]}: rename the file to "
        f"{ids[nearest]}{suffix or '.json'} if it is theirs, or move it out of the folder"
    )


def find_sidecar(folder: str | Path, scan: str) -> Path | None:
    """The sidecar `{scan}.json` of a corrected mask, None if there is none."""
    path = Path(folder) / f"{scan}.json"
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
        sidecar = json.loads(path.read_bytes())
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
