"""Leaving out one lesion: the change of the patient's score equals the one computed by hand."""

import numpy as np
import pandas as pd
import pytest
from livermets.explanation.lesion_effects import deciding_lesions, lesion_effects
from livermets.predictions.task import Task

TASK = Task(["colorectal", "pancreatic"], "pancreatic")


def predictions(scores, split="cv1-fold1", arm="selected", **columns):
    """A prediction table of patient -> scores of the lesions 1, 2, ..."""
    rows = [
        (arm, split, patient, lesion, "pancreatic", score)
        for patient, values in scores.items()
        for lesion, score in enumerate(values, start=1)
    ]
    names = ["arm", "split", "patient", "lesion", "label", "score"]
    return pd.DataFrame(rows, columns=names).assign(**columns)


def volumes(table, ml):
    return table[["patient", "lesion", "label"]].drop_duplicates().assign(volume_ml=ml)


def test_the_change_is_that_of_the_mean_without_the_lesion():
    table = lesion_effects(predictions({"A": [0.9, 0.3, 0.6], "B": [0.4, 0.2]}), TASK)
    np.testing.assert_allclose(table["score_without"], [0.45, 0.75, 0.6, 0.2, 0.4], atol=1e-12)
    np.testing.assert_allclose(table["change"], [-0.15, 0.15, 0, -0.1, 0.1], atol=1e-12)
    assert table["called"].tolist() == ["pancreatic"] * 3 + ["colorectal"] * 2
    assert (
        table["called_without"].tolist() == ["colorectal"] + ["pancreatic"] * 2 + ["colorectal"] * 2
    )


def test_a_patient_with_one_lesion_has_no_score_without_it():
    table = lesion_effects(predictions({"A": [0.9], "B": [0.1, 0.3]}), TASK)
    assert np.isnan(table["change"].iloc[0])
    assert table["called_without"].iloc[0] == ""
    assert deciding_lesions(table).query("patient == 'A'")["flips"].iloc[0] == 0


@pytest.mark.parametrize(
    ("pooling", "without"),
    [
        pytest.param("volume", [0.3, 0.9 * 8 / 10 + 0.3 * 2 / 10, 0.9], id="weighted by volume"),
        pytest.param("largest", [0.3, 0.9, 0.9], id="largest lesion"),
    ],
)
def test_pooling_by_volume_is_done_anew_without_the_lesion(pooling, without):
    given = predictions({"A": [0.9, 0.7, 0.3]})
    if pooling == "volume":
        given = predictions({"A": [0.9, 0.3, 0.3]})
        without = [0.3, 0.9 * 8 / 10 + 0.3 * 2 / 10, 0.9 * 8 / 10 + 0.3 * 2 / 10]
        features = volumes(given, [8.0, 2.0, 2.0])
    else:
        features = volumes(given, [8.0, 1.0, 2.0])
    table = lesion_effects(given, TASK, f"selected~{pooling}", features)
    np.testing.assert_allclose(table["score_without"], without, atol=1e-12)
    assert set(table["arm"]) == {f"selected~{pooling}"}


def test_lesions_of_two_scans_are_left_out_one_by_one():
    given = predictions({"A": [0.9, 0.3, 0.6]})
    given.insert(3, "scan", ["first", "second", "second"])
    given["lesion"] = [1, 1, 2]
    table = lesion_effects(given, TASK)
    np.testing.assert_allclose(table["score_without"], [0.45, 0.75, 0.6])
    most = deciding_lesions(table).query("most")
    assert set(zip(most["scan"], most["lesion"], strict=True)) == {("first", 1), ("second", 1)}


def test_a_threshold_of_the_arm_decides_the_calls():
    given = predictions({"A": [0.9, 0.3]}, threshold=0.7)
    assert lesion_effects(given, TASK)["called_without"].tolist() == ["colorectal", "pancreatic"]


def test_of_three_classes_the_highest_mean_is_called():
    task = Task(["x", "y", "z"], "z")
    given = predictions({"A": [0.1, 0.2]})
    given = given.assign(label="x", score_x=[0.8, 0.1], score_y=[0.1, 0.7], score_z=[0.1, 0.2])
    table = lesion_effects(given, task)
    assert table["called"].tolist() == ["x", "x"]
    assert table["called_without"].tolist() == ["y", "x"]


def test_the_lesion_that_decided_a_patient_stands_first_with_the_mean_over_repeats():
    first = predictions({"A": [0.9, 0.3, 0.5]}, split="cv1-fold1")
    second = predictions({"A": [0.5, 0.2, 0.5]}, split="cv2-fold2")
    holdout = predictions({"A": [0.0, 1.0, 1.0]}, split="holdout")
    table = deciding_lesions(lesion_effects(pd.concat([first, second, holdout]), TASK))
    row = table.iloc[0]
    assert (row["patient"], row["lesion"], row["splits"]) == ("A", 2, 2)
    by_hand = np.mean([0.7 - 1.7 / 3, 0.5 - 1.2 / 3])
    assert row["change"] == pytest.approx(by_hand)
    of_first = table.set_index("lesion").loc[1]
    # the call changes in the first repeat alone
    assert of_first["flips"] == pytest.approx(0.5, abs=1e-12)
    assert table["most"].tolist() == [True, False, False]
