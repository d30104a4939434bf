"""IBSI tags: which pyradiomics feature has the value of which reference tag, or why none has.

The tags are those of the reference values of the Image Biomarker Standardisation Initiative
(Zwanenburg et al. 2020, doi 10.1148/radiol.2020191145). `data/ibsi_tags.tsv` lists all 487 with the
feature of the same definition, the settings that it needs besides a bin width, and the reason if
there is none or if its value differs. GLCM and GLRLM are averaged over directions ("3D_avg"), and
GLDM is IBSI's neighbouring grey level dependence matrix. A test compares every tag with its
consensus value.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

COLUMNS = ("tag", "feature", "settings", "comparable", "why_not")
NO_TAG = "IBSI has no such feature"
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
    """Explain why a feature with these settings differs from its tag; "" if it does not."""
    feature_class = feature.partition("_")[0]
    if feature_class in ("glcm", "ngtdm", "gldm") and settings.get("distances", [1]) != [1]:
        return "neighbours are not those at one voxel's distance"
    weighting = settings.get("weightingNorm")
    if feature_class in ("glcm", "glrlm") and weighting not in (None, "no_weighting"):
        return "directions have different weights"
    if feature_class == "glcm" and not settings.get("symmetricalGLCM", True):
        return "the matrix is not symmetrical"
    if feature_class == "gldm" and settings.get("gldm_a", 0) != 0:
        return "grey levels that differ count as dependent"
    return DIFFERENCES.get(feature, "" if feature in IBSI_TAGS else NO_TAG)
