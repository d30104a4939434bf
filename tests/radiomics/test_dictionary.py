"""The dictionary has every column of the features table, and says what can be compared."""

import csv

import numpy as np
import pytest
from livermets.radiomics import ibsi
from livermets.radiomics.dictionary import COLUMNS, dictionary_rows, write_dictionary
from livermets.radiomics.feature_classes import FEATURE_CLASSES, MATRICES, _calculate
from livermets.radiomics.feature_sets import build_feature_sets
from livermets.radiomics.ibsi import DIFFERENCES, IBSI_TAGS
from livermets.radiomics.regions import Region
from livermets.radiomics.settings import full_settings

SETS = {
    "original": {},
    "ring": {"region": "ring", "width_mm": 5},
    "log": {"filter": "log", "sigma_mm": [2]},
    "shuffled": {"shuffle": True},
}


def feature_sets(sets):
    return build_feature_sets({"binWidth": 25}, FEATURE_CLASSES, sets)


def rows(sets):
    return list(dictionary_rows(feature_sets(sets)))


def test_every_column_has_one_row_in_order():
    found = rows(SETS)
    assert [row["feature"] for row in found] == [
        column for feature_set in feature_sets(SETS) for column in feature_set.columns
    ]
    assert all(tuple(row) == COLUMNS and row["meaning"] and row["unit"] for row in found)


def not_comparable(settings):
    """Features of the plain lesion that differ from IBSI with these settings, each with why."""
    sets = build_feature_sets(settings, FEATURE_CLASSES)
    return {
        f"{row['class']}_{row['name']}": row["why_not"]
        for row in dictionary_rows(sets)
        if row["comparable"] == "no" and row["class"] != "shape2D"
    }


def test_nine_of_107_features_are_not_comparable_and_say_why():
    found = {f"{row['class']}_{row['name']}": row for row in rows({"original": {}})}
    three_d = {k: row for k, row in found.items() if row["class"] != "shape2D"}
    assert len(three_d) == 107
    apart = not_comparable({"binCount": 32})
    without_tag = {"firstorder_TotalEnergy", "glcm_MCC"} | {
        f"shape_Maximum2DDiameter{plane}" for plane in ("Slice", "Row", "Column")
    }
    assert set(apart) == set(DIFFERENCES) | without_tag
    assert len(apart) == 9
    assert all(apart.values())
    assert {k for k, row in three_d.items() if row["ibsi_tag"]} == set(IBSI_TAGS)
    assert found["shape2D_Perimeter"]["comparable"] == "no"


def test_features_that_count_grey_levels_are_not_comparable_with_a_bin_width():
    """With a bin width pyradiomics counts from the lesion's lowest bin, IBSI from one HU."""
    always = set(not_comparable({"binCount": 32}))
    for settings in ({"binWidth": 25}, {"binWidth": 25, "resegmentRange": [-100, 400]}):
        assert set(not_comparable(settings)) - always == levels_count()


def levels_count():
    """The features whose value changes if 3 is added to every grey level, from their values."""
    rng = np.random.default_rng(0)
    mask = rng.random((6, 8, 8)) < 0.9
    mask[0, 0, 0] = mask[-1, -1, -1] = True
    levels = np.where(mask, rng.integers(1, 9, mask.shape), 0)
    settings = full_settings({"binWidth": 1})

    def values(name, levels):
        region = Region(levels.astype(float), mask, (1.0, 1.0, 1.0), 0)
        return _calculate(name, region, (levels, np.unique(levels[mask])), settings)[0]

    changed = set()
    for name in ("firstorder", *MATRICES):
        shifted = values(name, np.where(mask, levels + 3, 0))
        for feature, value in values(name, levels).items():
            binned = name != "firstorder" or feature in ("Entropy", "Uniformity")
            if binned and shifted[feature] != pytest.approx(value, rel=1e-9):
                changed.add(f"{name}_{feature}")
    return changed


@pytest.mark.parametrize(
    ("settings", "feature", "why"),
    [
        ({"resampledPixelSpacing": [1, 1, 1]}, "shape_MeshVolume", "resampled"),
        ({"resampledPixelSpacing": [1, 1, 1]}, "firstorder_Mean", "resampled"),
        ({"resampledPixelSpacing": [0, 0, 3]}, "glcm_Contrast", "resampled"),
        ({"resegmentRange": [-110, 400]}, "glcm_Contrast", "bins begin at a multiple of binWidth"),
        ({"resegmentRange": [-110, 400]}, "firstorder_Entropy", "lower limit of resegmentRange"),
        (
            {"resegmentRange": [0.1, 0.9], "resegmentMode": "relative"},
            "firstorder_Mean",
            "no resegmentation relative",
        ),
        (
            {"resegmentRange": [0, 100], "resegmentShape": True},
            "shape_Sphericity",
            "does not resegment a shape",
        ),
        ({"voxelArrayShift": 1000}, "firstorder_Energy", "voxelArrayShift is added"),
        ({"force2D": True, "force2Ddimension": 1}, "glrlm_RunEntropy", "slices are not axial"),
    ],
    ids=[
        "volume resampled",
        "mean resampled",
        "slices resampled",
        "limit between bins",
        "entropy",
        "relative range",
        "shape resegmented",
        "shift",
        "coronal slices",
    ],
)
def test_a_setting_that_changes_values_is_the_reason(settings, feature, why):
    assert feature not in not_comparable({"binWidth": 25})
    assert why in not_comparable({"binWidth": 25} | settings)[feature]


def test_settings_that_change_nothing_are_no_reason():
    plain = not_comparable({"binWidth": 25})
    for settings in (
        {"resampledPixelSpacing": [0, 0, 0]},
        {"resampledPixelSpacing": [1, 1, 1], "interpolator": None},
        {"resegmentRange": [-100, 400]},
        {"padDistance": 9},
    ):
        assert not_comparable({"binWidth": 25} | settings) == plain


def test_units_and_meanings_are_those_of_the_features():
    found = {row["feature"]: row for row in rows(SETS)}
    assert found["original_firstorder_Energy"]["unit"] == "HU²"
    assert found["original_shape_MeshVolume"]["unit"] == "mm³"
    assert found["original_glcm_Contrast"]["unit"] == "1"
    assert found["log-sigma-2-mm-3D_firstorder_Mean"]["unit"] == "response"
    sphericity = found["original_shape_Sphericity"]["meaning"]
    assert sphericity.startswith("Sphericity: Sphericity is a measure of the roundness")
    assert found["original_firstorder_Minimum"]["meaning"] == "Minimum"


def test_filtered_and_shuffled_columns_compare_with_nothing():
    found = {row["feature"]: row for row in rows(SETS)}
    assert found["ring_glcm_Contrast"]["comparable"] == "yes"
    assert found["shuffled_glcm_Contrast"]["why_not"] == "a control: the voxels are shuffled"
    assert found["shuffled_shape_Sphericity"]["comparable"] == "yes"
    assert found["log-sigma-2-mm-3D_glcm_Contrast"]["comparable"] == "no"


def test_settings_that_change_the_definition_change_the_tag_or_are_named():
    flat, weighted, far = (
        {
            row["feature"]: row
            for row in dictionary_rows(build_feature_sets(settings, FEATURE_CLASSES))
        }
        for settings in (
            {"force2D": True, "weightingNorm": "no_weighting"},
            {"weightingNorm": "euclidean"},
            {"distances": [1, 2]},
        )
    )
    assert flat["original_glcm_Contrast"]["ibsi_tag"] == "cm_contrast_2_5D_comb"
    assert flat["original_glszm_ZonePercentage"]["ibsi_tag"] == "szm_z_perc_2_5D"
    assert flat["original_glcm_Contrast"]["comparable"] == "yes"
    assert weighted["original_glrlm_RunEntropy"]["why_not"] == "directions have different weights"
    assert weighted["original_glszm_ZoneEntropy"]["comparable"] == "yes"
    assert "distance" in far["original_ngtdm_Busyness"]["why_not"]
    assert far["original_firstorder_Mean"]["comparable"] == "yes"


def test_the_dictionary_and_all_ibsi_tags_are_written_as_they_are_listed(tmp_path):
    sets = feature_sets({"original": {}})
    write_dictionary(sets, tmp_path / "features.tsv", tmp_path / "tags.tsv")
    for name, columns, expected in (
        ("features", COLUMNS, rows({"original": {}})),
        ("tags", ibsi.COLUMNS, list(ibsi.tag_rows())),
    ):
        with (tmp_path / f"{name}.tsv").open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file, delimiter="\t")
            assert list(table) == expected
            assert tuple(table.fieldnames) == columns
