"""Heterogeneity of a study: what is planted is found, and what chance makes is not."""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from helpers.classes import CLASSES, POSITIVE
from helpers.feature_tables import with_dealt_labels
from helpers.heterogeneous_lesions import varied_features
from livermets.heterogeneity.class_comparison import compare_classes
from livermets.heterogeneity.study_heterogeneity import measure_heterogeneity
from livermets.heterogeneity.variation import lesion_variation
from livermets.phantoms.phantom import make_phantom
from livermets.radiomics.extraction import LesionExtractor
from scipy import ndimage

SETTINGS = {"min_patients": 5, "permutations": 200}


def measure(table, classes=CLASSES, positive=POSITIVE, **settings):
    return measure_heterogeneity(table, classes, positive, SETTINGS | settings, seed=1)


def false_findings(variations):
    """How many of the studies have a feature with a corrected p-value of .05 at most."""
    found = [compare_classes(v, CLASSES, POSITIVE, 5, 200, seed=1) for v in variations]
    return sum((comparison["p_adjusted"] <= 0.05).any() for comparison in found)


def test_planted_heterogeneity_is_found_in_the_features_that_have_it_alone():
    comparison = measure(varied_features(3, spread=(0.3, 0.9), varied=3)).comparison
    certain = comparison[comparison["p_adjusted"] < 0.05]
    assert set(certain["feature"]) == {"g00", "g01", "g02"}
    assert (certain["low"] > 0).all()
    assert (certain["cv_class"] > certain["cv_others"]).all()


def test_false_findings_are_rare_where_one_class_has_three_times_as_many_lesions():
    """40 studies without a difference: 2 with a finding are expected, 7 or more in 0.3 %.

    The CV over all lesions, compared as published, differs with their number.
    """
    tables = []
    for number in range(40):
        table = varied_features(100 + number, lesions=(4, 12), features=5)
        variation = lesion_variation(table, [name for name in table if name.startswith("g")])
        tables.append(compare_classes(variation, CLASSES, POSITIVE, 5, 200, seed=1))
    assert sum((table["p_adjusted"] <= 0.05).any() for table in tables) <= 6
    p = np.concatenate([table["p"] for table in tables])
    assert abs((p <= 0.05).mean() - 0.05) < 0.05
    assert abs(np.median(p) - 0.5) < 0.15
    published = np.concatenate([table["p_published"] for table in tables])
    assert (published <= 0.05).mean() > 0.12


def test_labels_dealt_at_random_make_planted_heterogeneity_vanish():
    """Of 20 permuted studies one has a finding on average, 5 or more in 0.3 %."""
    variation = measure(varied_features(3, spread=(0.3, 0.9))).variation
    assert false_findings([variation]) == 1
    assert false_findings(with_dealt_labels(variation, n) for n in range(20)) <= 4


def test_three_classes_are_each_compared_with_the_others():
    table = varied_features(5, spread=(0.3, 0.9), patients=30)
    third = table["patient"].isin([f"P{number:03d}" for number in range(0, 30, 4)])
    table.loc[third & (table["label"] == CLASSES[0]), "label"] = "gastric"
    comparison = measure(table, [*CLASSES, "gastric"]).comparison
    assert set(comparison["class"]) == {*CLASSES, "gastric"}
    most = comparison.groupby("class")["p_adjusted"].min()
    assert most[POSITIVE] < 0.05


@pytest.mark.parametrize(
    ("patients", "reason"),
    [(8, "5 patients of each class .* colorectal: 4, pancreatic: 4"), (0, "colorectal: 0")],
    ids=["four of each class", "one lesion each"],
)
def test_too_few_patients_are_not_compared_and_the_summary_says_so(patients, reason):
    table = varied_features(1, patients=patients or 12)
    if not patients:
        table = table.drop_duplicates("patient")
    found = measure(table)
    assert found.comparison.empty
    assert found.summary["too_few"].startswith("too few")
    assert pd.Series([found.summary["too_few"]]).str.contains(reason).all()


def test_features_without_a_cv_are_listed_with_the_reason():
    table = varied_features(1).assign(negative=-1.0, constant=2.0)
    table["rare"] = np.where(table["patient"] < "P004", table["g00"], np.nan)
    found = measure(table)
    reasons = found.left_out.set_index("feature")["reason"]
    assert set(reasons.index) == {"negative", "constant", "rare"}
    assert "negative values" in reasons["negative"]
    assert "does not vary" in reasons["constant"]
    assert "too few patients" in reasons["rare"]
    assert not set(reasons.index) & set(found.comparison["feature"])


def test_a_table_of_negative_features_alone_is_not_compared():
    table = varied_features(1)[["patient", "lesion", "label"]].assign(skewness=-1.0)
    assert "no feature" in measure(table).summary["too_few"]


def test_the_correlation_with_the_variation_of_volume_tells_a_feature_that_repeats_size():
    table = varied_features(2, features=2)
    table["g00"] = 3 * table["volume_ml"]
    rho = measure(table).comparison.set_index("feature")["volume_rho"]
    assert rho["g00"] == pytest.approx(1)
    assert abs(rho["g01"]) < 0.6


@pytest.mark.slow
def test_phantoms_with_planted_heterogeneity_are_found_and_shuffled_ones_are_not():
    """16 phantoms, whose texture varies more between the lesions of one class."""
    extractor = LesionExtractor({"binWidth": 25}, ["firstorder"], {"original": {}})
    tables = []
    for number in range(16):
        label = CLASSES[number % 2]
        ct, mask = make_phantom(
            f"P{number:02d}", label, CLASSES, 2023, differ_by="heterogeneity",
            size=(32, 96, 96), spacing_mm=(2.5, 2.5, 3.0),
            lesions_per_class=dict.fromkeys(CLASSES, 8),
        )  # fmt: skip
        labelled, _ = ndimage.label(sitk.GetArrayFromImage(mask) == 2, np.ones((3, 3, 3)))
        lesions = sitk.GetImageFromArray(labelled.astype(np.uint16))
        lesions.CopyInformation(mask)
        table = pd.DataFrame(extractor.extract(ct, lesions)).drop(columns="radiomics_reason")
        tables.append(table.assign(patient=f"P{number:02d}", label=label))
    table = pd.concat(tables, ignore_index=True)
    comparison = measure(table).comparison.set_index("feature")
    spread = comparison.loc["original_firstorder_Variance"]
    assert spread["p_adjusted"] < 0.05 and spread["low"] > 0
    variation = measure(table).variation
    assert false_findings(with_dealt_labels(variation, n) for n in range(20)) <= 4


def test_a_second_scan_of_the_same_lesions_changes_nothing():
    table = varied_features(3, spread=(0.3, 0.9)).assign(scan="baseline")
    later = table.assign(scan="follow-up", **{name: table[name] * 2 for name in ("g00", "g01")})
    both = pd.concat([table, later], ignore_index=True).sort_values(["patient", "scan", "lesion"])
    once, twice = measure(table), measure(both)
    pd.testing.assert_frame_equal(once.variation, twice.variation)
    pd.testing.assert_frame_equal(once.lesions, twice.lesions)
    assert {"patient", "scan", "lesion"} <= set(twice.lesions)
    assert set(twice.lesions["scan"]) == {"baseline"}
