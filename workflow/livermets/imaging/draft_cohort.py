"""From a folder tree of DICOM exports to a draft of the cohort sheet: `make cohort DICOM=...`.

Every series is judged, one is chosen for each patient, and every refusal has its reason. Patients
become P001, P002 ...; the sheet's paths are the only link back, and nothing else of a header
but how the scan was made is written.
"""

import argparse
import hashlib
import os
import sys
import warnings
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import yaml

from livermets.imaging.dicom_series import COMPANIONS
from livermets.imaging.inclusion import phase_at, phase_of, seconds_of, unmet
from livermets.study.config import load_config

PORTAL = "portal venous"
FEW = 10  # slices; less is a scout, a bolus timing or a piece
SERIES = (
    *("patient", "study", "series", "n_slices", "chosen", "refused", "modality", "orientation"),
    *("slice_thickness_mm", "slice_step_mm", "kernel", "phase", "contrast", "delay_s"),
)


@dataclass
class Series:
    """The slices of one series and what speaks against it."""

    files: list[Path] = field(default_factory=list)
    headers: list[pydicom.Dataset] = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def draft_cohort(tree: Path, criteria: Mapping) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judge every series below `tree`.

    Returns
    -------
    sheet : patient, label (to be filled in), ct (a folder, or a file of a series that shares its
        folder with others; empty where no series will do), mask, site
    series : one row a series, `SERIES`: the facts, whether it was chosen, and why not
    """
    with warnings.catch_warnings():  # pydicom's remarks on values that break the standard
        warnings.simplefilter("ignore")
        patients = _collect(tree)
        sheet, rows = [], []
        for number, studies in enumerate(patients, start=1):
            patient = f"P{number:03d}"
            everything = []
            for s, study in enumerate(studies, start=1):
                times = [seconds_of(one.headers[0].get("AcquisitionTime")) for one in study]
                start = min((time for time in times if time is not None), default=None)
                for k, series in enumerate(study, start=1):
                    series.facts = _facts(series, start)
                    series.refused = judge(series, criteria)
                    everything.append((s, k, series))
            chosen = choose([series for *_, series in everything])
            for s, k, series in everything:
                if not series.refused and series is not chosen:
                    series.refused = ["another series of this patient fits better"]
                facts = {name: series.facts.get(name) for name in SERIES if name in series.facts}
                rows.append({"patient": patient, "study": s, "series": k, **facts,
                             "chosen": series is chosen,
                             "refused": "; ".join(series.refused)})  # fmt: skip
            path = _path(chosen, everything) if chosen else ""
            sheet.append({"patient": patient, "label": "", "ct": path, "mask": "", "site": ""})
    return pd.DataFrame(sheet), pd.DataFrame(rows, columns=list(SERIES))


def judge(series: Series, criteria: Mapping) -> list[str]:
    """Reasons against a series, empty where it will do."""
    facts, first = series.facts, series.headers[0]
    kind = [str(part).upper() for part in first.get("ImageType") or []]
    if facts["modality"] != "CT":
        return [f"{facts['modality']}, not CT"]
    if "LOCALIZER" in kind:
        return ["localiser"]
    reasons = []
    if kind and kind[0] != "ORIGINAL":
        reasons.append("derived, not original")
    if facts["orientation"] not in ("axial", None):
        reasons.append(facts["orientation"])
    if facts["n_slices"] < FEW:
        reasons.append(f"only {facts['n_slices']} slices")
    if facts["uneven"]:
        reasons.append(facts["uneven"])
    if facts["phase"] not in (None, PORTAL) and criteria["phases"] is None:
        reasons.append(f"{facts['phase']} phase")
    return reasons + unmet(facts, criteria)


def choose(series: list[Series]) -> Series | None:
    """Of those without a refusal: portal venous by name, then contrast, then thin, then long."""
    fit = [one for one in series if not one.refused]

    def rank(one: Series) -> tuple:
        facts = one.facts
        thickness = facts["slice_thickness_mm"] or facts["slice_step_mm"] or np.inf
        named = facts["phase"] == PORTAL
        return (not named, not facts["contrast"], thickness, -facts["n_slices"])

    return min(fit, key=rank, default=None)


def _collect(tree: Path) -> list[list[list[Series]]]:
    """Patients, their studies, their series; ordered by hashes, so that numbers say nothing."""
    found: dict = defaultdict(lambda: defaultdict(lambda: defaultdict(Series)))
    for folder, _, names in sorted(os.walk(tree)):
        for name in sorted(names):
            file = Path(folder) / name
            try:
                header = pydicom.dcmread(file, stop_before_pixels=True, force=True)
                uid = header.get("SeriesInstanceUID")
            except Exception:  # pydicom raises anything on a file that is not DICOM
                continue
            if not uid:
                continue
            patient = str(header.get("PatientID") or folder)
            series = found[patient][str(header.get("StudyInstanceUID"))][str(uid)]
            series.files.append(file)
            series.headers.append(header)

    def hashed(entry: tuple) -> str:
        return hashlib.sha256(f"livermets/{entry[0]}".encode()).hexdigest()

    return [
        [
            [s for _, s in sorted(study.items(), key=hashed)]
            for _, study in sorted(p.items(), key=hashed)
        ]
        for _, p in sorted(found.items(), key=hashed)
    ]


def _facts(series: Series, study_start: float | None) -> dict:
    first = series.headers[0]
    kernel = first.get("ConvolutionKernel")
    if isinstance(kernel, pydicom.multival.MultiValue):
        kernel = "/".join(map(str, kernel))
    thickness = first.get("SliceThickness")
    at = seconds_of(first.get("AcquisitionTime"))
    orientation, step, uneven = _stacked(series)
    return {
        "n_slices": len(series.files),
        "modality": str(first.get("Modality") or "nothing"),
        "orientation": orientation,
        "slice_thickness_mm": float(thickness) if thickness else None,
        "slice_step_mm": step,
        "uneven": uneven,
        "kernel": str(kernel) if kernel else None,
        "phase": phase_of(first.get("SeriesDescription"), first.get("ProtocolName"))
        or phase_at(first.get("ContrastBolusStartTime"), first.get("AcquisitionTime")),
        "contrast": bool(first.get("ContrastBolusAgent")),
        "delay_s": None if at is None or study_start is None else round(at - study_start),
    }  # fmt: skip


def _stacked(series: Series) -> tuple[str | None, float | None, str]:
    """Orientation, distance of slices (mm) and what is wrong with their spacing."""
    placed = [h for h in series.headers if h.get("ImagePositionPatient")
              and h.get("ImageOrientationPatient")]  # fmt: skip
    if len(placed) < 2:
        return None, None, ""
    turns = {tuple(np.round([float(v) for v in h.ImageOrientationPatient], 3)) for h in placed}
    if len(turns) > 1:
        return "mixed orientations", None, ""
    normal = np.cross(*np.reshape(next(iter(turns)), (2, 3)))
    plane = ("sagittal", "coronal", "axial")[int(np.abs(normal).argmax())]
    heights = np.sort([np.dot([float(v) for v in h.ImagePositionPatient], normal) for h in placed])
    gaps = np.diff(heights)
    step = float(np.median(gaps))
    if (gaps < 1e-3).any():
        return plane, step, f"{int((gaps < 1e-3).sum())} slice positions occur twice"
    missing = int(np.maximum(np.rint(gaps / step) - 1, 0).sum())
    return plane, round(step, 3), f"{missing} slices missing" if missing else ""


def _path(chosen: Series, everything: list) -> str:
    folder = chosen.files[0].parent
    shared = any(
        one is not chosen and any(file.parent == folder for file in one.files)
        and one.facts["modality"] not in COMPANIONS
        for *_, one in everything
    )  # fmt: skip
    return str((chosen.files[0] if shared else folder).resolve())


def main(arguments: list[str] | None = None) -> None:
    """Write `config/patients.tsv` (never over one that is there) and `config/series.tsv`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dicom", type=Path, help="folder tree of DICOM files")
    parser.add_argument("study", type=Path, help="the study's folder")
    options = parser.parse_args(arguments)
    if not options.dicom.is_dir():
        sys.exit(f"{options.dicom} is no folder; give the one that holds the DICOM exports")
    given = options.study / "config/config.yaml"
    criteria = load_config(yaml.safe_load(given.read_text()) if given.exists() else {})["inclusion"]
    sheet, series = draft_cohort(options.dicom, criteria)
    if sheet.empty:
        sys.exit(f"there is no DICOM file below {options.dicom}; give the folder of the exports")
    folder = options.study / "config"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "patients.tsv"
    if target.exists():
        target = folder / "patients.draft.tsv"
    sheet.to_csv(target, sep="\t", index=False)
    series.to_csv(folder / "series.tsv", sep="\t", index=False)
    without = (sheet["ct"] == "").sum()
    print(f"{len(sheet)} patients, {len(series)} series; {without} patients without a usable one.")
    print(f"{folder / 'series.tsv'} says why. Now fill in the column `label` of {target},")
    print("and remove or mend the patients without `ct`.")


if __name__ == "__main__":
    main()
