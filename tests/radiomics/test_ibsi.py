"""The IBSI digital phantom (Zwanenburg et al. 2020, doi 10.1148/radiol.2020191145): every tag."""

import csv
from collections import Counter

import numpy as np
import pytest
import SimpleITK as sitk
import yaml
from helpers.one_lesion import extract_lesion
from livermets.radiomics.feature_classes import FEATURE_CLASSES, class_features
from livermets.radiomics.ibsi import (
    COLUMNS,
    DIFFERENCES,
    IBSI_TAGS,
    difference,
    tag_of,
    tag_rows,
)
from livermets.radiomics.settings import full_settings

ROWS = list(tag_rows())


@pytest.fixture(scope="module")
def consensus(real_data):
    """tag -> (value, what it may be off by: the tolerance, or the rounding to three digits); NaN
    where there was no consensus."""
    with (real_data / "ibsi_digital_phantom/reference_values.csv").open() as file:
        lines = list(csv.DictReader(file, delimiter=";"))
    found = {}
    for line in lines:
        value = float(line["reference value"] or "nan")
        rounding = 0.51 * 10 ** (np.floor(np.log10(abs(value))) - 2) if value else 0
        found[line["tag"]] = value, max(float(line["tolerance"] or 0), rounding)
    return found


@pytest.fixture(scope="module")
def phantom(real_data):
    folder = real_data / "ibsi_digital_phantom"
    return [sitk.ReadImage(folder / f"{part}.nii.gz") for part in ("phantom", "mask")]


def test_the_table_has_every_tag_of_the_reference_once(consensus):
    assert [row["tag"] for row in ROWS] == list(consensus)
    assert {tuple(row) for row in ROWS} == {COLUMNS}


def test_every_row_names_a_feature_of_pyradiomics_whose_tag_it_is():
    features = {f"{c}_{f}" for c in FEATURE_CLASSES for f in class_features(c)}
    for row in ROWS:
        if row["feature"]:
            assert row["feature"] in features
            settings = yaml.safe_load(f"{{{row['settings']}}}")
            assert tag_of(row["feature"], settings) == row["tag"]
    named = [(row["feature"], row["settings"]) for row in ROWS if row["feature"]]
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("settings", sorted({row["settings"] for row in ROWS}), ids=str)
def test_every_comparable_tag_has_its_consensus_value(phantom, consensus, settings):
    ct, mask = phantom
    given = dict(yaml.safe_load(f"{{{settings}}}"))
    # its grey levels 1, 3, 4 and 6 are their own bins at a width of 1
    row = extract_lesion(ct, mask, 1, {"binWidth": 1} | given, FEATURE_CLASSES)
    compared = [r for r in ROWS if r["settings"] == settings and r["comparable"] == "yes"]
    assert len(compared) == {0: 98, 1: 74 if given.get("force2D") else 39, 2: 39}[len(given)]
    for one in compared:
        value, allowed = consensus[one["tag"]]
        assert row[f"original_{one['feature']}"] == pytest.approx(value, abs=allowed), one["tag"]


@pytest.mark.parametrize(
    "settings",
    [{"binCount": 6}, {"binWidth": 1, "resegmentRange": [1, 6]}],
    ids=["a number of bins", "a range"],
)
def test_what_is_comparable_with_other_bins_has_its_consensus_value(phantom, consensus, settings):
    row = extract_lesion(*phantom, 1, settings, FEATURE_CLASSES)
    comparable = [f for f in IBSI_TAGS if not difference(f, full_settings(settings))]
    assert len(comparable) == (98 if "binCount" in settings else 74)
    for feature in comparable:
        value, allowed = consensus[IBSI_TAGS[feature]]
        assert row[f"original_{feature}"] == pytest.approx(value, abs=allowed), feature


def test_the_four_tags_with_a_known_difference_differ_by_that_and_nothing_else(phantom, consensus):
    ct, mask = phantom
    row = extract_lesion(ct, mask, 1, {"binWidth": 1}, FEATURE_CLASSES)
    voxels = np.count_nonzero(sitk.GetArrayViewFromImage(mask))
    mine = {"firstorder_Kurtosis": row["original_firstorder_Kurtosis"] - 3}
    for axis in ("Major", "Minor", "Least"):
        name = f"shape_{axis}AxisLength"
        mine[name] = row[f"original_{name}"] * np.sqrt(voxels / (voxels - 1))
    assert set(mine) == set(DIFFERENCES)
    for name, value in mine.items():
        truth, allowed = consensus[IBSI_TAGS[name]]
        assert value == pytest.approx(truth, abs=allowed)


def test_every_other_tag_says_why_not():
    assert Counter(row["comparable"] for row in ROWS) == {"yes": 250, "no": 237}
    assert all(bool(row["why_not"]) == (row["comparable"] == "no") for row in ROWS)
    why = {row["tag"]: row["why_not"] for row in ROWS}
    assert why["dzm_sde_3D"] == "pyradiomics has no distance zones"
    assert why["cm_contrast_2D_avg"] == "pyradiomics has no matrices of single slices"
    assert why["cm_sum_var_2_5D_comb"].endswith("as ClusterTendency says the same")


@pytest.mark.parametrize(
    ("tag", "feature", "factor"),
    [
        ("cm_sum_var_3D_avg", "glcm_ClusterTendency", 1),
        ("cm_dissimilarity_3D_avg", "glcm_DifferenceAverage", 1),
        ("ngl_glnu_norm_3D", "firstorder_Uniformity", 1),
        ("morph_sph_dispr", "shape_Sphericity", -1),
        ("morph_comp_2", "shape_Sphericity", 3),
    ],
)
def test_what_pyradiomics_left_out_says_the_same_as_its_feature(
    phantom, consensus, tag, feature, factor
):
    row = extract_lesion(*phantom, 1, {"binWidth": 1}, FEATURE_CLASSES)
    value, allowed = consensus[tag]
    assert row[f"original_{feature}"] ** factor == pytest.approx(value, abs=allowed)
