"""Drafts a cohort sheet from a folder tree of DICOM exports: `make cohort DICOM=...`.

Every series is judged, one is chosen for each patient, and each series that is refused gets its
reasons. Patients become P001, P002 ...; the paths in the sheet are the only link back to them.
Beyond those, only the acquisition of a series is written, no other header value.
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
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import yaml

from livermets.core.io import write_table, write_text
from livermets.imaging.contrast_phase import seconds_of_day
from livermets.imaging.dicom_geometry import GEOMETRY_TAGS, MIN_GAP_MM
from livermets.imaging.dicom_headers import (
    NON_IMAGE_MODALITIES,
    differing_tag,
    display_name,
    image_type,
    numbers_of,
    read_acquisition,
    value_of,
)
from livermets.imaging.inclusion import unmet_criteria
from livermets.imaging.multi_frame import frame_headers
from livermets.study.config import load_config

RECIPE = Path(__file__).parents[3] / "config/recipes/leuven.yaml"  # of a new study
PORTAL_VENOUS = "portal venous"
MIN_SLICES = 10  # a series with fewer is a localiser, a bolus timing or a part of a scan
SERIES_COLUMNS = (
    *("patient", "study", "series", "n_slices", "chosen", "refused", "modality", "orientation"),
    *("slice_thickness_mm", "slice_step_mm", "kernel", "phase", "contrast", "delay_s"),
)


@dataclass
class Series:
    """The slices of one DICOM series, what is known of it, and reasons not to use it."""

    files: list[Path] = field(default_factory=list)
    headers: list[pydicom.Dataset] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


Study = list[Series]


def draft_cohort(tree: Path, criteria: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judge every series below a folder and choose one for each patient.

    Parameters
    ----------
    tree : Path
        Folder of DICOM exports, searched with its subfolders.
    criteria : mapping
        `imaging: inclusion` of the configuration.

    Returns
    -------
    sheet : DataFrame
        patient, label (to be filled in), ct (a folder, or one file if the series shares its folder
        with others; empty if no series can be used), mask, site.
    series : DataFrame
        One row a series with `SERIES_COLUMNS`: its properties, whether it was chosen, and reasons
        against it.
    """
    sheet, rows = [], []
    with warnings.catch_warnings():  # pydicom warns of values that break the standard
        warnings.simplefilter("ignore")
        for number, studies in enumerate(_group_series(tree), start=1):
            patient = f"P{number:03d}"
            for study in studies:
                _judge_study(study, criteria)
            everything = [series for study in studies for series in study]
            chosen = choose_series(everything)
            for series in everything:
                if not series.refused and series is not chosen:
                    series.refused = ["another series of this patient fits better"]
            for s, study in enumerate(studies, start=1):
                for k, series in enumerate(study, start=1):
                    row = {"patient": patient, "study": s, "series": k, **series.properties}
                    row |= {"chosen": series is chosen, "refused": "; ".join(series.refused)}
                    rows.append(row)
            path = _path_in_sheet(chosen, everything) if chosen else ""
            sheet.append({"patient": patient, "label": "", "ct": path, "mask": "", "site": ""})
    return pd.DataFrame(sheet), pd.DataFrame(rows, columns=list(SERIES_COLUMNS))


def reasons_against(series: Series, criteria: Mapping[str, Any]) -> list[str]:
    """Reasons not to use a series, empty if it can be used."""
    properties, kind = series.properties, image_type(series.headers[0])
    if properties["modality"] != "CT":
        return [f"{properties['modality']}, not CT"]
    if "LOCALIZER" in kind:
        return ["localiser"]
    reasons = []
    if kind and kind[0] == "DERIVED":  # one value alone, such as AXIAL, does not say so
        reasons.append("derived, not original")
    if properties["orientation"] not in ("axial", None):
        reasons.append(properties["orientation"])
    if properties["n_slices"] < MIN_SLICES:
        reasons.append(f"only {properties['n_slices']} slices")
    if properties["uneven"]:
        reasons.append(properties["uneven"])
    if differing := differing_tag(series.headers):
        reasons.append(f"slices differ in {differing[0]}")
    if properties["phase"] not in (None, PORTAL_VENOUS) and criteria["phases"] is None:
        reasons.append(f"{properties['phase']} phase")
    return reasons + unmet_criteria(properties, criteria)


def choose_series(candidates: list[Series]) -> Series | None:
    """The best series that nothing speaks against, None if there is none.

    A series named portal venous comes first, then one with contrast, then the thinnest slices,
    then the most slices.
    """

    def rank(series: Series) -> tuple[bool, bool, float, int]:
        properties = series.properties
        thickness = properties["slice_thickness_mm"] or properties["slice_step_mm"] or np.inf
        portal_venous = properties["phase"] == PORTAL_VENOUS
        return (not portal_venous, not properties["contrast"], thickness, -properties["n_slices"])

    return min((series for series in candidates if not series.refused), key=rank, default=None)


def _group_series(tree: Path) -> list[list[Study]]:
    """All series, by patient and study; ordered by hashes, so that the order reveals nothing."""
    patients: dict[str, dict[str, dict[str, Series]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(Series))
    )
    for folder, _, names in sorted(os.walk(tree)):
        for name in sorted(names):
            file = Path(folder) / name
            try:
                header = pydicom.dcmread(file, stop_before_pixels=True, force=True)
                uid = header.get("SeriesInstanceUID")
                patient_id = header.get("PatientID")
                study_uid = header.get("StudyInstanceUID")
            except Exception:  # pydicom raises errors of any kind on a file that is not DICOM
                continue
            if not uid:
                continue
            patient = str(patient_id or folder)
            series = patients[patient][str(study_uid)][str(uid)]
            frames = frame_headers(header)
            series.files += [file] * len(frames)
            series.headers += frames

    def by_hash(groups: Mapping[str, Any]) -> list[Any]:
        keys = sorted(groups, key=lambda key: hashlib.sha256(f"livermets/{key}".encode()).digest())
        return [groups[key] for key in keys]

    return [[by_hash(study) for study in by_hash(studies)] for studies in by_hash(patients)]


def _judge_study(study: Study, criteria: Mapping[str, Any]) -> None:
    """Fill in the properties of the series of one study and the reasons against them."""
    times = [seconds_of_day(value_of(series.headers[0], "AcquisitionTime")) for series in study]
    start = min((time for time in times if time is not None), default=None)
    for series, time in zip(study, times, strict=True):
        series.properties = _properties(series)
        series.properties["delay_s"] = None if time is None or start is None else time - start
        series.refused = reasons_against(series, criteria)


def _properties(series: Series) -> dict[str, Any]:
    """The acquisition of a series and the geometry of its slices."""
    header = series.headers[0]
    acquisition = read_acquisition(header)
    orientation, step, uneven = _slice_geometry(series)
    return {
        "n_slices": len(series.files),
        "modality": str(value_of(header, "Modality") or "nothing"),
        "orientation": orientation,
        "slice_thickness_mm": acquisition["slice_thickness_mm"] or None,
        "slice_step_mm": step,
        "uneven": uneven,
        "kernel": acquisition["kernel"],
        "phase": acquisition["phase"],
        "contrast": bool(acquisition["contrast"]),
    }


def _slice_geometry(series: Series) -> tuple[str | None, float | None, str]:
    """Orientation, distance of slices (mm), and what is wrong with it ("" if nothing is)."""
    for file, header in zip(series.files, series.headers, strict=True):
        for key, count in GEOMETRY_TAGS.items():
            value = value_of(header, key)
            if value is not None and numbers_of(value, count) is None:
                return None, None, f"{key} of {display_name(file)} is unreadable"
    headers = [
        header
        for header in series.headers
        if value_of(header, "ImagePositionPatient") and value_of(header, "ImageOrientationPatient")
    ]
    if len(headers) < 2:
        return None, None, ""
    orientations = {
        tuple(np.round([float(value) for value in header.ImageOrientationPatient], 3))
        for header in headers
    }
    if len(orientations) > 1:
        return "mixed orientations", None, ""
    normal = np.cross(*np.reshape(next(iter(orientations)), (2, 3)))
    plane = ("sagittal", "coronal", "axial")[int(np.abs(normal).argmax())]
    positions = [[float(value) for value in header.ImagePositionPatient] for header in headers]
    gaps = np.diff(np.sort([np.dot(position, normal) for position in positions]))
    step = float(np.median(gaps))
    if double := int((gaps < MIN_GAP_MM).sum()):
        return plane, step, f"{double} slice positions occur twice"
    missing = int(np.maximum(np.rint(gaps / step) - 1, 0).sum())
    return plane, round(step, 3), f"{missing} slices missing" if missing else ""


def _path_in_sheet(chosen: Series, everything: list[Series]) -> str:
    """The folder of a series, or its first file if images of another series lie beside it."""
    folder = chosen.files[0].parent
    shared = any(
        any(file.parent == folder for file in series.files)
        for series in everything
        if series is not chosen and series.properties["modality"] not in NON_IMAGE_MODALITIES
    )
    return str((chosen.files[0] if shared else folder).resolve())


def main(arguments: list[str] | None = None) -> None:
    """Write `config/patients.tsv` (never over one that is there) and `config/series.tsv`.

    A study without a configuration gets one that names a model from the package index, so that
    patients without a mask are segmented on the first run.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dicom", type=Path, help="folder tree of DICOM files")
    parser.add_argument("study", type=Path, help="the study's folder")
    options = parser.parse_args(arguments)
    if not options.dicom.is_dir():
        sys.exit(f"{options.dicom} is no folder; give the one that holds the DICOM exports")
    folder = options.study / "config"
    config = folder / "config.yaml"
    settings = load_config(yaml.safe_load(config.read_text()) if config.exists() else {})
    sheet, series = draft_cohort(options.dicom, settings["imaging"]["inclusion"])
    if sheet.empty:
        sys.exit(f"there is no DICOM file below {options.dicom}; give the folder of the exports")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "patients.tsv"
    if target.exists():
        target = folder / "patients.draft.tsv"
    write_table(target, sheet)
    write_table(folder / "series.tsv", series)
    if not config.exists():
        write_text(config, RECIPE.read_text(encoding="utf-8"))
    without = (sheet["ct"] == "").sum()
    print(f"{len(sheet)} patients, {len(series)} series; {without} patients without a usable one.")
    print(f"{folder / 'series.tsv'} says why. Now fill in the column `label` of {target},")
    print("and remove or mend the patients without `ct`.")


if __name__ == "__main__":
    main()
