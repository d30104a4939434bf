"""IBSI tags: which pyradiomics feature has the value of which reference tag, or why none has.

The tags are those of the reference values of the Image Biomarker Standardisation Initiative
(Zwanenburg et al. 2020, doi 10.1148/radiol.2020191145). `data/ibsi_tags.tsv` lists all 487 with the
feature of the same definition, the settings that it needs besides a bin width, and the reason if
there is none or if its value differs. GLCM and GLRLM are averaged over directions ("3D_avg"), and
GLDM is IBSI's neighbouring grey level dependence matrix. A test compares every tag with its
consensus value.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from livermets.radiomics.feature_classes import MATRICES, NEIGHBOURS
from livermets.radiomics.settings import DEFAULT_BIN_WIDTH

COLUMNS = ("tag", "feature", "settings", "comparable", "why_not")
NO_TAG = "IBSI has no such feature"
BINNED = ("firstorder_Entropy", "firstorder_Uniformity")
SHIFTED = ("firstorder_Energy", "firstorder_RootMeanSquared")
# Of the features that have a value in IBSI's configurations B, C and D, which resample, these two
# and glcm_Idmn reach it in all three.
ALIKE_IF_RESAMPLED = ("shape_Maximum3DDiameter", "firstorder_Median", "glcm_Idmn")
RESAMPLED = (
    "resampled: pyradiomics lays the new grid at the corner of the image and takes the nearest "
    "voxel of the mask, IBSI centres the grid and interpolates the mask"
)
# Features whose value changes if the same number is added to all grey levels.
COUNTING_LEVELS = re.compile(
    "glcm_(Autocorrelation|Idmn|Idn|JointAverage|SumAverage)|ngtdm_Busyness|.*(High|Low)GrayLevel.*"
)
LEVELS_FROM_LESION = (
    "grey levels count from the lesion's lowest bin, IBSI's from one HU for all lesions (equal "
    "only where a lesion reaches the lower limit of resegmentRange, or with binCount)"
)
DATA = Path(__file__).parent / "data"

with (DATA / "ibsi_tags.tsv").open(newline="", encoding="utf-8") as file:
    _ROWS = tuple(csv.DictReader(file, delimiter="\t"))
_DEFAULT_ROWS = [row for row in _ROWS if row["feature"] and not row["settings"]]
# The tag of each "<class>_<Feature>" with pyradiomics' default settings.
IBSI_TAGS = {row["feature"]: row["tag"] for row in _DEFAULT_ROWS}
# Features with a tag whose value differs from it by a rule, which is the reason.
DIFFERENCES = {row["feature"]: row["reason"] for row in _DEFAULT_ROWS if row["reason"]}


def tag_rows() -> Iterator[dict[str, str]]:
    """List all tags as rows of `COLUMNS`, in the order of the reference values."""
    for row in _ROWS:
        yield {
            "tag": row["tag"],
            "feature": row["feature"],
            "settings": row["settings"],
            "comparable": "no" if row["reason"] else "yes",
            "why_not": row["reason"],
        }


def tag_of(feature: str, settings: Mapping[str, Any]) -> str:
    """Find the tag of a feature, "<class>_<Feature>", with these settings; "" if it has none."""
    tag = IBSI_TAGS.get(feature, "")
    if settings.get("force2D"):
        tag = tag.replace("_3D", "_2_5D")
    if settings.get("weightingNorm"):
        tag = tag.replace("D_avg", "D_comb")
    return tag


def difference(feature: str, settings: Mapping[str, Any]) -> str:
    """Explain why a feature with these settings differs from its tag; "" if it does not.

    The values of IBSI's CT phantom in the configurations A to D decide what resampling and
    resegmentation change, and a test compares them.

    Parameters
    ----------
    feature : str
        "<class>_<Feature>" of pyradiomics.
    settings : mapping
        Settings of pyradiomics.
    """
    if reason := DIFFERENCES.get(feature, "" if feature in IBSI_TAGS else NO_TAG):
        return reason
    rules = (_of_matrices, _of_shift, _of_resampling, _of_resegmentation, _of_bins)
    return next(filter(None, (rule(feature, settings) for rule in rules)), "")


def _of_matrices(feature: str, settings: Mapping[str, Any]) -> str:
    """Why its matrix is another one than IBSI's."""
    feature_class = feature.partition("_")[0]
    if feature_class in NEIGHBOURS and settings.get("distances", [1]) != [1]:
        return "neighbours are not those at one voxel's distance"
    weighting = settings.get("weightingNorm")
    if feature_class in ("glcm", "glrlm") and weighting not in (None, "no_weighting"):
        return "directions have different weights"
    if feature_class == "glcm" and not settings.get("symmetricalGLCM", True):
        return "the matrix is not symmetrical"
    if feature_class == "gldm" and settings.get("gldm_a", 0) != 0:
        return "grey levels that differ count as dependent"
    if feature_class in MATRICES and settings.get("force2D") and settings.get("force2Ddimension"):
        return "the slices are not axial"
    return ""


def _of_shift(feature: str, settings: Mapping[str, Any]) -> str:
    """Why its grey values are other ones than those of the image."""
    shifted = feature in SHIFTED and settings.get("voxelArrayShift")
    return "voxelArrayShift is added to the grey values" if shifted else ""


def _of_resampling(feature: str, settings: Mapping[str, Any]) -> str:
    """Why its voxels are other ones than those that IBSI resamples to."""
    resampled = any(settings.get("resampledPixelSpacing") or ()) and settings.get("interpolator", 1)
    return RESAMPLED if resampled and feature not in ALIKE_IF_RESAMPLED else ""


def _of_resegmentation(feature: str, settings: Mapping[str, Any]) -> str:
    """Why the lesion's voxels are other ones than those that IBSI keeps."""
    if not settings.get("resegmentRange"):
        return ""
    if feature.startswith("shape_"):
        return "IBSI does not resegment a shape" if settings.get("resegmentShape") else ""
    if settings.get("resegmentMode") == "relative":
        return "IBSI has no resegmentation relative to the lesion's maximum"
    return ""


def _of_bins(feature: str, settings: Mapping[str, Any]) -> str:
    """Why its grey levels are other ones than IBSI's."""
    if feature.partition("_")[0] not in MATRICES and feature not in BINNED:
        return ""
    if settings.get("binCount"):
        return ""
    if COUNTING_LEVELS.fullmatch(feature):
        return LEVELS_FROM_LESION
    absolute = settings.get("resegmentMode", "absolute") == "absolute"
    limits = settings.get("resegmentRange") if absolute else None
    width = settings.get("binWidth", DEFAULT_BIN_WIDTH)
    if limits and min(limits) % width:
        return (
            f"bins begin at a multiple of binWidth ({width}), IBSI's at the lower limit of "
            f"resegmentRange ({min(limits)})"
        )
    return ""
