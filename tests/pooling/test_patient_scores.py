"""A patient's score from the scores of lesions by volume, against sums written out by hand."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, THREE_CLASSES
from livermets.core.errors import BadInput
from livermets.pooling.patient_scores import pool_patients

SCORES = {"P1": [0.9, 0.2, 0.4, 0.1], "P2": [0.6, 0.8]}
VOLUMES = {"P1": [1.0, 5.0, 3.0, 1.0], "P2": [2.0, 2.0]}


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions in two splits, the second reversed in its order, and the features."""
    rows = [
        (patient, lesion, score, volume)
        for patient in SCORES
        for lesion, (score, volume) in enumerate(
            zip(SCORES[patient], VOLUMES[patient], strict=True), start=1
        )
    ]
    table = pd.DataFrame(rows, columns=["patient", "lesion", "score", "volume_ml"])
    table["label"] = np.where(table["patient"] == "P1", *CLASSES)
    scored = table.drop(columns="volume_ml").assign(arm="knn-none", threshold=0.3)
    other = scored[::-1].assign(split="cv1-fold1", score=lambda rows: 1 - rows["score"])
    return pd.concat([scored.assign(split="holdout"), other]), table.drop(columns="score")


@pytest.mark.parametrize(
    ("pooling", "first", "second"),
    [
        pytest.param("volume", (0.9 + 1.0 + 1.2 + 0.1) / 10, 0.7, id="weighted by volume"),
        pytest.param("largest", 0.2, 0.6, id="largest lesion, the first of two alike"),
        pytest.param("largest3", (0.2 + 0.4 + 0.9) / 3, 0.7, id="three largest, or all of two"),
    ],
)
def test_every_lesion_of_a_patient_has_the_pooled_score_of_the_split(pooling, first, second):
    predictions, features = tables()
    table = pool_patients(predictions, features, pooling, CLASSES, f"knn-none~{pooling}")
    assert set(table["arm"]) == {f"knn-none~{pooling}"}
    assert table["threshold"].to_numpy() == pytest.approx(0.3, abs=1e-12)
    score = table.groupby(["split", "patient"])["score"].agg(["min", "max"])
    expected = {"P1": first, "P2": second}
    for patient, value in expected.items():
        np.testing.assert_allclose(score.loc[("holdout", patient)], value, atol=1e-12)
    if pooling != "largest3":  # where rows are reversed, the last of equals comes first
        np.testing.assert_allclose(score.loc[("cv1-fold1", "P1")], 1 - first, atol=1e-12)


def test_equally_large_lesions_count_by_their_number_whatever_the_order_of_rows():
    predictions, features = tables()
    table = pool_patients(predictions, features, "largest", CLASSES, "knn-none~largest")
    reversed_rows = table[(table["split"] == "cv1-fold1") & (table["patient"] == "P2")]
    np.testing.assert_allclose(reversed_rows["score"], 1 - 0.6)


def test_scores_of_three_classes_still_add_up_to_one():
    predictions, features = tables()
    rng = np.random.default_rng(1)
    chances = rng.dirichlet([1, 1, 1], len(predictions))
    names = [f"score_{name}" for name in THREE_CLASSES]
    predictions[names] = chances
    table = pool_patients(predictions, features, "largest3", THREE_CLASSES, "knn-none~largest3")
    np.testing.assert_allclose(table[names].sum(axis=1), 1, atol=1e-12)
    assert not np.allclose(table[names], chances)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(
            lambda f: f.assign(volume_ml=f["volume_ml"].replace(5.0, -1.2)),
            "patient P1: lesion 2 has no volume_ml above 0",
            id="standardised volumes",
        ),
        pytest.param(
            lambda f: f[f["patient"] != "P2"],
            "patient P2: lesion 1 has no volume_ml",
            id="a lesion that the features table lacks",
        ),
        pytest.param(
            lambda f: f.drop(columns="volume_ml"), "add the column volume_ml", id="no volume at all"
        ),
    ],
)
def test_a_lesion_without_a_volume_is_refused_by_patient_and_lesion(spoil, message):
    predictions, features = tables()
    with pytest.raises(BadInput, match=message):
        pool_patients(predictions, spoil(features), "volume", CLASSES, "x")


def test_a_table_of_two_arms_is_refused():
    predictions, features = tables()
    two = pd.concat([predictions, predictions.assign(arm="svm-none")])
    with pytest.raises(BadInput, match="knn-none, svm-none"):
        pool_patients(two, features, "volume", CLASSES, "x")
