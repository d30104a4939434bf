"""The audit where lesions carry the label: patients of several classes are no finding."""

import numpy as np
import pandas as pd
from helpers.feature_tables import mixed_features
from livermets.audit.checks import differing_labels
from livermets.audit.telling_columns import by_patient, telling_categories, telling_numbers
from livermets.cohort.cohort_table import cohort_of_features


def scored(features: pd.DataFrame) -> pd.DataFrame:
    """The predictions of one arm, of every lesion."""
    table = features[["patient", "lesion", "label"]]
    return table.assign(arm="knn-none", split="cv1-fold1", score=0.5)


def test_lesions_of_both_classes_of_a_patient_are_those_of_the_cohort():
    features = mixed_features()
    assert differing_labels(scored(features), cohort_of_features(features, None)) == []


def test_a_label_that_no_lesion_of_the_patient_has_is_found():
    features = mixed_features()
    wrong = scored(features)
    assert set(features.loc[features["patient"] == "P001", "label"]) == {"pancreatic"}
    wrong.loc[wrong["patient"] == "P001", "label"] = "colorectal"
    (finding,) = differing_labels(wrong, cohort_of_features(features, None))
    assert finding.patients == ("P001",)
    assert finding.outcome == "failed"


def test_a_patient_of_both_classes_has_a_row_for_each_with_the_means_of_its_lesions():
    features = mixed_features().assign(sex="F")
    rows = by_patient(features, ["f00"], ["sex"])
    of_patient = features[features["patient"] == "P000"]
    expected = of_patient.groupby("label")["f00"].mean()
    found = rows.loc["P000"].set_index("label")["f00"]
    pd.testing.assert_series_equal(found.sort_index(), expected, check_names=False)
    assert len(rows.loc[["P001"]]) == 1


def test_a_column_that_tells_the_class_of_each_lesion_is_found_and_one_of_the_patient_is_not():
    features = mixed_features()
    noise = np.random.default_rng(0).normal(0, 0.1, len(features))
    features["leak"] = (features["label"] == "pancreatic") + noise
    features["hospital"] = features["patient"].str[1:].astype(int) % 3  # 0: patients of both
    rows = by_patient(features, ["leak"], ["hospital"])
    assert [column.name for column in telling_numbers(rows, ["leak"])] == ["leak"]
    assert telling_categories(rows, ["hospital"]) == []
