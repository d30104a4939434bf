"""Judges the series of a draft: what rules one out, what speaks against it, and their ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from livermets.imaging.contrast_phase import PORTAL_VENOUS
from livermets.imaging.dicom_geometry import MIN_GAP_MM
from livermets.imaging.dicom_headers import differing_tag
from livermets.imaging.draft_facts import Series
from livermets.imaging.inclusion import unmet_criteria
from livermets.imaging.reconstruction_kernel import is_sharp
from livermets.imaging.series_description import other_region

MIN_SLICES = 10  # a series with fewer is a localiser, a bolus timing or a part of a scan
MIN_BITS = 9  # of a voxel in HU; 8 bits hold grey values or a mask
NOT_HU = {  # values of ImageType of images that hold no HU of tissue
    *("MIP", "MINIP", "MAX_IP", "MIN_IP", "MAXIMUM", "MINIMUM", "PROJECTION IMAGE", "VRT"),
    *("SUBTRACTION", "PERFUSION", "DOSE", "DOSE_INFO", "SCREEN SAVE", "IODINE", "VNC"),
}


@dataclass
class Judged:
    """A series with its properties, the reasons that rule it out, and remarks on it.

    `rank` holds, for each of `CRITERIA`, a number that is smaller for the better series.
    """

    series: Series
    properties: dict[str, Any]
    refused: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    rank: tuple[float, ...] = ()


# By what series are ranked, the most important first, and what is said of the one that comes behind
CRITERIA = (
    "not said to be portal venous",
    "another region of the body",
    "kernel for lung or bone",
    "no contrast agent stated",
    "a later examination",
    "derived, or compressed with loss",
    "thicker slices",
    "fewer slices",
)


def judge_studies(studies: Sequence[Sequence[Series]], criteria: Mapping[str, Any]) -> list[Judged]:
    """Judge the series of one patient.

    Parameters
    ----------
    studies : sequence of sequence of Series
        The patient's examinations.
    criteria : mapping
        `imaging: inclusion` of the configuration.

    Returns
    -------
    list of Judged
        In the order of `studies`, not yet compared with each other.
    """
    first = min(
        (series.facts.day for study in studies for series in study if series.facts.day is not None),
        default=None,
    )
    judged = []
    for number, study in enumerate(studies, start=1):
        seconds = [series.facts.second for series in study if series.facts.second is not None]
        start = min(seconds, default=None)
        for series in study:
            properties = _properties(series)
            day, second = series.facts.day, series.facts.second
            properties["study"] = number
            properties["day"] = None if day is None or first is None else day - first
            properties["delay_s"] = None if second is None or start is None else second - start
            one = Judged(series, properties)
            one.refused = reasons_against(series, properties, criteria)
            one.remarks = remarks_on(series, properties)
            one.rank = _rank(series, properties)
            judged.append(one)
    return judged


def reasons_against(
    series: Series, properties: Mapping[str, Any], criteria: Mapping[str, Any]
) -> list[str]:
    """Reasons that rule a series out, unless a person overrules them; empty if there is none."""
    facts = series.facts
    if facts.modality != "CT":
        return [f"{facts.modality}, not CT"]
    if facts.localiser:
        return ["localiser"]
    if facts.no_scan:
        return ["dose report or screenshot"]
    if facts.captured:
        return [facts.captured]
    reasons = []
    if kinds := NOT_HU & set(facts.image_type):
        reasons.append(f"no HU of tissue ({sorted(kinds)[0]})")
    if facts.channels != 1:
        reasons.append("colour image")
    if 0 < facts.bits < MIN_BITS:
        reasons.append(f"{facts.bits} bits a voxel: a mask or grey values, no HU")
    if series.unreadable:
        reasons.append(series.unreadable)
    elif properties["orientation"] is None:
        reasons.append("slices without a position")
    elif properties["orientation"] != "axial":
        reasons.append(properties["orientation"])
    if properties["n_slices"] < MIN_SLICES:
        reasons.append(f"only {properties['n_slices']} slices")
    if properties["uneven"]:
        reasons.append(properties["uneven"])
    if differing := differing_tag([one.plane.voxels for one in series.slices]):
        reasons.append(f"slices differ in {differing[0]}")
    if facts.region:
        reasons.append(f"another region of the body ({facts.region})")
    if properties["phase"] not in (None, PORTAL_VENOUS) and criteria["phases"] is None:
        reasons.append(f"{properties['phase']} phase")
    return reasons + unmet_criteria(properties, criteria)


def remarks_on(series: Series, properties: Mapping[str, Any]) -> list[str]:
    """What speaks against a series without ruling it out, and what a person should look at."""
    facts = series.facts
    said = {
        "derived, not original": _is_derived(series),
        "compressed with loss (JPEG)": properties["lossy"],
        "kernel or description for lung or bone": _is_sharp(series),
        f"several phases named ({', '.join(facts.phases)})": len(facts.phases) > 1,
        f"body part {facts.body_part}": _is_elsewhere(series),
        f"{properties['day']} days after the first examination": bool(properties["day"]),
        f"files in {properties['folders']} folders": properties["folders"] > 1,
        f"copies left out: {len(series.copies)}": bool(series.copies),
    }
    return [remark for remark, applies in said.items() if applies]


def usable_series(judged: Sequence[Judged]) -> list[Judged]:
    """The series that nothing rules out, the best first."""
    return sorted((one for one in judged if not one.refused), key=lambda one: one.rank)


def compare(judged: Sequence[Judged]) -> list[Judged]:
    """The usable series of a patient, the best first; each behind gets a remark why it is."""
    usable = usable_series(judged)
    for one in usable[1:]:
        pairs = zip(CRITERIA, usable[0].rank, one.rank, strict=True)
        why = next((words for words, best, other in pairs if other > best), "equal; either will do")
        one.remarks.append(f"behind the best: {why}")
    return usable


def _rank(series: Series, properties: Mapping[str, Any]) -> tuple[float, ...]:
    thickness = properties["slice_thickness_mm"] or properties["slice_step_mm"] or np.inf
    day = properties["day"]
    return (
        properties["phase"] != PORTAL_VENOUS,
        _is_elsewhere(series),
        _is_sharp(series),
        not properties["contrast"],
        np.inf if day is None else day,
        _is_derived(series) + properties["lossy"],
        float(thickness),
        -properties["n_slices"],
    )


def _is_derived(series: Series) -> bool:
    """Whether ImageType begins with DERIVED; one value alone, such as AXIAL, does not say so."""
    return series.facts.image_type[:1] == ("DERIVED",)


def _is_sharp(series: Series) -> bool:
    kernel = series.facts.acquisition["kernel"]
    return series.facts.sharp_words or is_sharp(None if kernel is None else str(kernel))


def _is_elsewhere(series: Series) -> bool:
    """Whether BodyPartExamined, which scanners often fill in wrongly, names another region."""
    return bool(other_region(series.facts.body_part))


def _properties(series: Series) -> dict[str, Any]:
    """The acquisition of a series and the geometry of its slices."""
    acquisition = series.facts.acquisition
    orientation, step, uneven = _slice_geometry(series)
    return {
        "n_slices": len(series.slices),
        "folders": len({one.folder for one in series.slices}),
        "modality": series.facts.modality,
        "orientation": orientation,
        "slice_thickness_mm": acquisition["slice_thickness_mm"] or None,
        "slice_step_mm": step,
        "uneven": uneven,
        "kernel": acquisition["kernel"],
        "phase": acquisition["phase"],
        "contrast": bool(acquisition["contrast"]),
        "lossy": any(one.plane.lossy for one in series.slices),
    }


def _slice_geometry(series: Series) -> tuple[str | None, float | None, str]:
    """Orientation, distance of slices (mm), and what is wrong with it ("" if nothing is)."""
    placed = [
        (one.position, one.plane.orientation)
        for one in series.slices
        if one.position and one.plane.orientation
    ]
    if series.unreadable or not placed:
        return None, None, ""
    if len(placed) < len(series.slices):
        return None, None, f"{len(series.slices) - len(placed)} slices without a position"
    if len({orientation for _, orientation in placed}) > 1:
        return "mixed orientations", None, ""
    if len({(one.plane.shape, one.plane.spacing) for one in series.slices}) > 1:
        return "mixed sizes", None, ""
    normal = np.cross(*np.reshape(placed[0][1], (2, 3)))
    plane = ("sagittal", "coronal", "axial")[int(np.abs(normal).argmax())]
    if len(placed) < 2:
        return plane, None, ""
    gaps = np.diff(np.sort([np.dot(position, normal) for position, _ in placed]))
    step = float(np.median(gaps))
    if double := int((gaps < MIN_GAP_MM).sum()):
        return plane, step, f"{double} slice positions occur twice"
    missing = int(np.maximum(np.rint(gaps / step) - 1, 0).sum())
    return plane, round(step, 3), f"{missing} slices missing" if missing else ""
