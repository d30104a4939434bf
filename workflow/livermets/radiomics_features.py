"""Radiomics of single lesions: pyradiomics 3.0.1, value for value, without its cost.

`execute` on a whole CT spends its seconds on copies of the CT, not on texture. Here every lesion is
cropped first and goes through the very functions and feature classes of pyradiomics (van
Griethuysen et al. 2017, doi 10.1158/0008-5472.CAN-17-0339). Two things differ on purpose:

* 2-D shape is that of the lesion's largest axial slice, as in Tharmaseelan et al. 2023
  (doi 10.1186/s40644-023-00612-4); pyradiomics itself takes flat masks only.
* What cannot be computed is NaN and says why in `radiomics_reason`; the lesion's row stays.
"""

import hashlib
import json
import logging
import sys
import warnings
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import radiomics
import SimpleITK as sitk
from pykwalify.errors import PyKwalifyException
from radiomics import imageoperations
from radiomics.featureextractor import RadiomicsFeatureExtractor

from livermets.errors import BadInput
from livermets.radiomics_regions import VIEWS, Box, cut_lesion, grey_region, lesion_boxes

CLASSES = ("firstorder", "shape", "shape2D", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
REASON = "radiomics_reason"
# What pyradiomics and NumPy raise when a lesion is too small or too odd for a feature
# (LinAlgError is a ValueError). Anything else is a fault of the installation and is not hidden.
REFUSALS = (ValueError, ArithmeticError)

radiomics.setVerbosity(60)  # reasons go into the table, not to stderr
radiomics.logger.propagate = False
logging.getLogger("pykwalify").setLevel(logging.WARNING)


def extract_lesion(
    ct: sitk.Image, labelled: sitk.Image, lesion: int, settings: dict, classes: Sequence[str]
) -> dict:
    """The features of one lesion, as `{"lesion", "original_<class>_<Feature>"..., REASON}`.

    Parameters
    ----------
    ct : the CT in HU
    labelled : lesions 1..n on the same grid
    lesion : which of them
    settings : pyradiomics' settings ("binWidth", "resampledPixelSpacing", ...)
    classes : some of `CLASSES`

    Raises
    ------
    BadInput : unknown setting or class, another grid, no such lesion
    """
    settings, classes = _checked(settings, classes)
    ct, labelled, boxes = _prepared(ct, labelled, settings)
    if lesion not in boxes:
        raise BadInput(
            f"the lesion image holds lesions {sorted(boxes)}, not {lesion}: "
            "split the lesions again and extract from that image"
        )
    return _row(ct, labelled, lesion, boxes[lesion], settings, classes)


def extract_patient(
    ct: sitk.Image, labelled: sitk.Image, settings: dict, classes: Sequence[str]
) -> list[dict]:
    """The rows of all lesions in ascending order, each equal to `extract_lesion`'s."""
    settings, classes = _checked(settings, classes)
    ct, labelled, boxes = _prepared(ct, labelled, settings)
    return [_row(ct, labelled, n, boxes[n], settings, classes) for n in sorted(boxes)]


def feature_names(settings: dict, classes: Sequence[str]) -> list[str]:
    """The columns an extraction with these settings gives, without extracting anything."""
    _, classes = _checked(settings, classes)
    return [f"original_{name}_{feature}" for name in classes for feature in _features(name)]


def write_rows(rows: list[dict], path: str | Path, settings: dict, classes: Sequence[str]) -> None:
    """Write rows to Parquet; the same rows give the same bytes.

    Settings and classes name the columns (also of a patient without lesions). They go into the
    schema's metadata with the versions and a digest of all that decides the values.
    """
    names = feature_names(settings, classes)
    schema = pa.schema(
        [("lesion", pa.int64()), *((name, pa.float64()) for name in names), (REASON, pa.string())],
        metadata={"livermets": json.dumps(_provenance(settings, classes), sort_keys=True)},
    )
    columns = [pa.array([row[f.name] for row in rows], f.type) for f in schema]
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path, compression="zstd")


def read_rows(path: str | Path) -> tuple[list[dict], dict]:
    """The rows of `write_rows` and their metadata: settings, classes, versions, sha256."""
    table = pq.read_table(path)
    return table.to_pylist(), json.loads(table.schema.metadata[b"livermets"])


def gather_rows(
    paths: Sequence[str | Path], path: str | Path, settings: dict, classes: Sequence[str]
) -> None:
    """Put a patient's lesion files into one table, sorted by lesion; no file gives no row.

    Raises BadInput where a file was extracted with other settings, classes or versions.
    """
    digest = _provenance(settings, classes)["sha256"]
    rows = []
    for source in paths:
        found, made_with = read_rows(source)
        if made_with["sha256"] != digest:
            raise BadInput(
                f"{source} was extracted with other radiomics settings or versions than the "
                "config's: delete it and run again"
            )
        rows += found
    write_rows(sorted(rows, key=lambda row: row["lesion"]), path, settings, classes)


def _provenance(settings: dict, classes: Sequence[str]) -> dict:
    """What decides the values: settings, classes and versions, and their digest."""
    versions = {
        "pyradiomics": radiomics.__version__.removeprefix("v"),
        "SimpleITK": sitk.Version_VersionString(),
        "numpy": np.__version__,
    }
    made_with = {"settings": settings, "classes": list(classes), "versions": versions}
    digest = hashlib.sha256(json.dumps(made_with, sort_keys=True).encode()).hexdigest()
    return made_with | {"sha256": digest}


def _checked(settings: dict, classes: Sequence[str]) -> tuple[dict, tuple[str, ...]]:
    """All of pyradiomics' settings, defaults included, and the classes; refuses unknown ones."""
    unknown = [name for name in classes if name not in CLASSES]
    if unknown or not classes:
        raise BadInput(
            f"radiomics.classes: {', '.join(map(str, unknown)) or 'empty'}. "
            f"Name one or more of {', '.join(CLASSES)}"
        )
    full = json.loads(_full_settings(json.dumps(settings, sort_keys=True)))
    return full, tuple(dict.fromkeys(classes))


@lru_cache(maxsize=8)  # pyradiomics' validation takes 30 ms, and a patient has many lesions
def _full_settings(settings: str) -> str:
    given = json.loads(settings)
    for key in ("label", "label_channel"):
        if key in given:
            raise BadInput(f"radiomics.settings.{key} is set by the workflow: remove it")
    try:
        full = RadiomicsFeatureExtractor({"setting": given}).settings
    except (PyKwalifyException, ValueError, TypeError) as problem:
        details = " ".join(str(getattr(problem, "msg", problem)).split()).rstrip(".")
        raise BadInput(
            f"radiomics.settings: {details}. Keys and values are those of "
            "https://pyradiomics.readthedocs.io/en/v3.0.1/customization.html"
        ) from problem
    if full["resampledPixelSpacing"] is not None and len(full["resampledPixelSpacing"]) != 3:
        raise BadInput(
            f"radiomics.settings.resampledPixelSpacing is {full['resampledPixelSpacing']}: "
            "give three numbers in mm, x, y and z (0 keeps an axis as it is)"
        )
    return json.dumps(full | {"label": 1, "additionalInfo": False})


def _prepared(
    ct: sitk.Image, labelled: sitk.Image, settings: dict
) -> tuple[sitk.Image, sitk.Image, dict[int, Box]]:
    """The CT, normalised if the settings say so, the lesions on its grid, and their boxes."""
    here, there = (
        np.array([*image.GetSize(), *image.GetSpacing(), *image.GetOrigin(), *image.GetDirection()])
        for image in (ct, labelled)
    )
    if not np.allclose(here, there, rtol=0, atol=1e-3):
        raise BadInput(
            f"CT {ct.GetSize()} and lesion image {labelled.GetSize()} lie on different grids: "
            "split the lesions again on this CT"
        )
    if (here != there).any():  # by rounding, which pyradiomics would refuse
        labelled = sitk.Image(labelled)
        labelled.CopyInformation(ct)
    if settings["normalize"]:  # by the mean and deviation of the whole CT
        ct = imageoperations.normalizeImage(ct, **settings)
    return ct, labelled, lesion_boxes(labelled)


def _row(ct, labelled, lesion: int, box: Box, settings: dict, classes: Sequence[str]) -> dict:
    """One lesion's features, and why some are missing."""
    row: dict = {"lesion": int(lesion)}
    row |= {f"original_{name}_{f}": np.nan for name in classes for f in _features(name)}
    try:
        image, mask = cut_lesion(ct, labelled, lesion, box, settings)
        imageoperations.checkMask(image, mask, **settings)
    except REFUSALS as problem:
        return row | {REASON: f"all features: {_why(problem)}"}
    region = cache(lambda view: view(image, mask, settings))
    reasons: dict[str, list[str]] = {}  # why -> the classes and features it befell
    for name in classes:
        try:
            found, problems = _calculate(name, *region(VIEWS.get(name, grey_region)))
        except REFUSALS as problem:
            reasons.setdefault(_why(problem), []).append(name)
            continue
        row |= {f"original_{name}_{f}": v for f, v in found.items() if np.isfinite(v)}
        if missing := [f for f, v in found.items() if not np.isfinite(v)]:
            why = "; ".join(dict.fromkeys(map(_why, problems))) or "not defined for this lesion"
            which = "" if len(missing) == len(found) else f" ({', '.join(missing)})"
            reasons.setdefault(why, []).append(name + which)
    text = "; ".join(f"{', '.join(what)}: {why}" for why, what in reasons.items())
    return row | {REASON: text}


def _why(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {' '.join(map(str, problem.args))}"


@cache
def _features(name: str) -> tuple[str, ...]:
    """The features of a class, in pyradiomics' order, without those it deprecates."""
    names = radiomics.getFeatureClasses()[name].getFeatureNames()
    return tuple(feature for feature, deprecated in names.items() if not deprecated)


def _calculate(
    name: str, image: sitk.Image, mask: sitk.Image, settings: dict
) -> tuple[dict[str, float], list[BaseException]]:
    """A class's values and the exceptions pyradiomics turned into NaN."""
    failures = _Failures()
    logger = logging.getLogger(f"radiomics.{name}")
    logger.addHandler(failures)
    try:
        with warnings.catch_warnings():  # means of nothing, 0 / 0: NaN says it
            warnings.simplefilter("ignore", RuntimeWarning)
            found = radiomics.getFeatureClasses()[name](image, mask, **settings).execute()
    finally:
        logger.removeHandler(failures)
    for problem in failures.problems:
        if not isinstance(problem, REFUSALS):
            raise problem
    return {feature: float(value) for feature, value in found.items()}, failures.problems


class _Failures(logging.Handler):
    """Collects the exceptions that pyradiomics catches, logs and answers with NaN."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.problems: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if problem := sys.exc_info()[1]:
            self.problems.append(problem)
