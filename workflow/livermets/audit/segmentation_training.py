"""Patients of the cohort on whom a segmentation model was trained.

The mask of such a patient is better than that of a new patient would be. Who they are is known by
name, from the lists of public collections or the user's own, and by the hashes of CT slices, which
find a scan under another name too, flipped or cut shorter.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path, PurePath

import pandas as pd

from livermets.audit.checks import Finding, Fingerprints, counted
from livermets.audit.questions import Check
from livermets.core.errors import BadInput
from livermets.core.scan_ids import in_words, patient_of
from livermets.core.text import list_names

LISTS = Path(__file__).parents[3] / "resources/training_sets"  # names of public collections
LIST_ENDING = ".txt"
SLICE_HASH = r"[0-9a-f]{20}"  # as `fingerprints.fingerprint` writes it
# Endings that are no part of a name, and the channel that nnU-Net adds to it
FILE_ENDINGS = r"(_0000)?\.(nii|nii\.gz|nrrd|nhdr|dcm)$"
TITLE = "Was a segmentation model trained on a patient of the cohort?"


def segmentation_training_check(
    cohort: pd.DataFrame,
    fingerprints: Fingerprints,
    cts: Mapping[str, str],
    trained_on: Mapping[str, Sequence[str]],
) -> Check:
    """Name the patients whose automatic mask comes from a model that was trained on them.

    Parameters
    ----------
    cohort : DataFrame
        patient, included.
    fingerprints : mapping of str to dict
        Id of the scan -> `livermets.audit.fingerprints.fingerprint`.
    cts : mapping of str to str
        Id of the scan -> path of the CT in the cohort sheet, of scans that models segmented.
    trained_on : mapping of str to sequence of str
        Model -> `trained_on` of the configuration; see `read_training_names`. Empty for a model
        whose training data are not known.

    Returns
    -------
    Check
        A warning for each model and patient; not looked at where no model says what it was trained
        on, and not applicable where no mask is a model's.
    """
    included = set(cohort.loc[cohort["included"], "patient"].astype(str))
    cts = {scan: ct for scan, ct in cts.items() if patient_of(scan) in included}
    silent = [model for model, entries in trained_on.items() if not entries]
    unknown = f"the training data of {list_names(silent)} are not known (`trained_on`)"
    if cts and len(silent) == len(trained_on):
        return Check(TITLE, "", impossible=unknown)
    findings, names_of_all = [], 0
    for model, entries in trained_on.items():
        names = read_training_names(entries)
        names_of_all += len(names)
        hashes = {name for name in names if re.fullmatch(SLICE_HASH, name)}
        parts = {name: _plain_parts(name.split("/")) for name in names if name not in hashes}
        for scan, ct in cts.items():
            slices = fingerprints.get(scan, {}).get("slices", [])
            sign = _shared_slices(slices, hashes) or _shared_name(patient_of(scan), ct, parts)
            if sign:
                text = (
                    f"patient {in_words(scan)} was in the training data of the segmentation model"
                    f" {model} ({sign}): its automatic mask is better than a new patient's would be"
                )
                findings.append(Finding((patient_of(scan),), text))
    looked_at = (
        f"{counted(len(set(map(patient_of, cts))), 'segmented patient')} and the training data of "
        f"{list_names(model for model in trained_on if model not in silent)} "
        f"(names and hashes: {names_of_all})"
    )
    if silent:
        looked_at += f"; {unknown}"
    return Check(TITLE, looked_at if cts else "", findings)


def read_training_names(entries: Iterable[str]) -> list[str]:
    """The names and hashes of a model's training data, with lists in place of their names.

    Parameters
    ----------
    entries : iterable of str
        Each is the name of a list of this package (`lits`, `tcia_crlm`, `chaos`), a file `.txt`
        with one name or hash a line, a name (`*` stands for any text) or the hash of a slice.

    Raises
    ------
    BadInput
        A file does not exist or is no text.
    """
    names = []
    for entry in entries:
        shipped = LISTS / f"{entry}{LIST_ENDING}"
        if not entry.endswith(LIST_ENDING) and not shipped.exists():
            names.append(entry)
            continue
        file = Path(entry) if entry.endswith(LIST_ENDING) else shipped
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(
                f"config: `trained_on` names {entry}, which is no readable text file; give a file "
                f"with one name a line, or one of the lists {list_names(_shipped_lists())}"
            ) from error
        names += [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return names


def training_slices(fingerprints: Fingerprints) -> str:
    """The slice hashes of all patients as a list for `trained_on`, one a line."""
    hashes = sorted({value for print_ in fingerprints.values() for value in print_["slices"]})
    n_patients = len(set(map(patient_of, fingerprints)))
    head = f"# CT slices of the {n_patients} patients on whom a model was trained.\n"
    return head + "".join(f"{value}\n" for value in hashes)


def _shipped_lists() -> list[str]:
    return sorted(file.stem for file in LISTS.glob(f"*{LIST_ENDING}"))


def _shared_slices(slices: Sequence[str], hashes: set[str]) -> str:
    """How many slices of a patient are in the training data, "" for none."""
    shared = hashes.intersection(slices)
    return f"{len(shared)} of {counted(len(slices), 'CT slice')} are equal" if shared else ""


def _shared_name(patient: str, ct: str, parts: Mapping[str, Sequence[str]]) -> str:
    """The name in the training data that the patient or a folder of the CT has, "" for none.

    Parameters
    ----------
    patient, ct : str
        The patient's id and the path of the CT.
    parts : mapping of str to sequence of str
        Name -> its folders, plain.
    """
    given = _plain_parts([patient, *_names_in_path(ct)])
    for name, wanted in parts.items():
        starts = range(len(given) - len(wanted) + 1)
        if any(all(map(fnmatchcase, given[start:], wanted)) for start in starts):
            return f"by the name {name}"
    return ""


def _names_in_path(ct: str) -> list[str]:
    """The folders and the file of a path, without the ending of the file."""
    return [re.sub(FILE_ENDINGS, "", part.lower()) for part in PurePath(ct).parts]


def _plain_parts(names: Iterable[str]) -> list[str]:
    return [_plain(name) for name in names]


def _plain(name: str) -> str:
    """A name without case, punctuation and leading zeros; two numbers in a row stay apart."""
    tokens = [
        token.lstrip("0") or "0" if token.isdigit() else token
        for token in re.findall(r"[^\W\d_]+|\d+|\*", name.casefold())
    ]
    gaps = ["-" if a.isdigit() and b.isdigit() else "" for a, b in pairwise(tokens)]
    return "".join(token + gap for token, gap in zip(tokens, [*gaps, ""], strict=True))
