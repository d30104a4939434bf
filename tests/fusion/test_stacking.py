"""Stacking of two scores, against the model that made the labels, and without test patients."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE, THREE_CLASSES
from livermets.core.errors import BadInput
from livermets.fusion.stacking import scores_to_learn_from, stack_scores
from livermets.predictions.task import Task
from livermets.study.fusion import inner_split

TASK = Task(CLASSES, POSITIVE)
ROLES = {"train": range(60), "test": range(60, 90)}
SPLITS = pd.DataFrame(
    [("holdout", f"P{n:02}", role) for role, numbers in ROLES.items() for n in numbers],
    columns=["split", "patient", "role"],
)
RADIOMICS, NETWORK = 0.8, 0.3  # weights of the log-odds that make the labels


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cohort(lesions: int = 40, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of radiomics and network of all patients; the label follows both by known weights."""
    rng = np.random.default_rng(seed)
    table = SPLITS.loc[SPLITS.index.repeat(lesions), ["split", "patient"]].reset_index(drop=True)
    table["lesion"] = table.groupby("patient").cumcount() + 1
    first, second = rng.normal(0, 1.2, size=(2, len(table)))
    chance = sigmoid(RADIOMICS * first + NETWORK * second)
    negative = next(name for name in CLASSES if name != POSITIVE)
    table["label"] = np.where(rng.random(len(table)) < chance, POSITIVE, negative)
    return table.assign(arm="selected", score=sigmoid(first)), table.assign(
        arm="densenet121", score=sigmoid(second)
    )


def divided(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of training patients as scored on two inner folds, and the rows of test patients."""
    number = table["patient"].str[1:].astype(int)
    inner = table[number < 60]
    fold = 1 + inner["patient"].str[1:].astype(int) % 2
    return inner.assign(split=[inner_split("holdout", n) for n in fold]), table[number >= 60]


def stacked(radiomics, network, task=TASK, splits=SPLITS, **how):
    """The stacking of two tables of the whole cohort."""
    parts = [divided(radiomics), divided(network)]
    learned = scores_to_learn_from(parts[0][0], parts[1][0], task)
    return stack_scores(learned, parts[0][1], parts[1][1], splits, task, **how)


@pytest.mark.parametrize("positive", CLASSES, ids=["first class", "second class"])
def test_the_weights_are_those_of_the_model_that_made_the_labels(positive):
    radiomics, network = cohort()
    swap = positive != POSITIVE
    tables = [t.assign(score=1 - t["score"]) if swap else t for t in (radiomics, network)]
    result = stacked(*tables, Task(CLASSES, positive))
    weight = result.weights.set_index("input")["weight"]
    np.testing.assert_allclose(weight["radiomics_score"], RADIOMICS, atol=0.15)
    np.testing.assert_allclose(weight["densenet121_score"], NETWORK, atol=0.15)
    assert set(result.weights["class"]) == {positive}
    assert set(result.weights["patients"]) == {60} and set(result.weights["lesions"]) == {2400}
    # the scores are those of these weights
    tested = [t[t["patient"] >= "P60"]["score"].to_numpy() for t in tables]
    odds = [np.log(s / (1 - s)) for s in (np.clip(t, 0.01, 0.99) for t in tested)]
    expected = sigmoid(
        weight["radiomics_score"] * odds[0]
        + weight["densenet121_score"] * odds[1]
        + weight["intercept"]
    )
    np.testing.assert_allclose(result.predictions["score"], expected, atol=1e-9)


def test_neither_labels_nor_scores_of_test_patients_change_what_is_learned():
    radiomics, network = cohort(lesions=5)
    weights = stacked(radiomics, network).weights
    test = radiomics["patient"] >= "P60"
    other = radiomics.assign(label=radiomics["label"].where(~test, POSITIVE))
    other.loc[test, "score"] = 0.5
    again = stacked(other, network).weights
    pd.testing.assert_frame_equal(again, weights)


def test_a_patient_outside_the_training_part_is_refused():
    radiomics, network = cohort(lesions=2)
    leak = SPLITS.assign(role=SPLITS["role"].mask(SPLITS["patient"] == "P07", "test"))
    with pytest.raises(BadInput, match="learn from patient P07, who is not in its training part"):
        stacked(radiomics, network, splits=leak)


def test_a_lesion_that_one_model_lacks_is_named():
    radiomics, network = cohort(lesions=2)
    gone = (network["patient"] == "P61") & (network["lesion"] == 2)
    message = r"patient P61: lesion 2 has a score of radiomics in holdout and none of densenet121"
    with pytest.raises(BadInput, match=message):
        stacked(radiomics, network[~gone])


def test_scores_of_0_and_1_are_taken_and_patients_can_count_alike():
    radiomics, network = cohort(lesions=3)
    radiomics["score"] = (radiomics["score"] > 0.5).astype(float)
    result = stacked(radiomics, network, weigh="patients")
    assert result.predictions["score"].between(0, 1).all()
    twice = [pd.concat([t, t.assign(lesion=t["lesion"] + 3)]) for t in (radiomics, network)]
    again = stacked(*twice, weigh="patients")
    np.testing.assert_allclose(again.weights["weight"], result.weights["weight"], atol=1e-4)


def test_lesions_of_two_scans_are_not_mixed_up():
    radiomics, network = cohort(lesions=4)
    tables = [
        t.assign(scan=np.where(t["lesion"] % 2, "a", "b"), lesion=(t["lesion"] + 1) // 2)
        for t in (radiomics, network)
    ]
    result = stacked(*tables).predictions
    assert list(result.columns) == ["arm", "split", "patient", "scan", "lesion", "label", "score"]
    plain = stacked(radiomics, network).predictions
    np.testing.assert_allclose(np.sort(result["score"]), np.sort(plain["score"]), atol=1e-6)


def test_three_classes_have_a_score_each_and_add_up_to_one():
    rng = np.random.default_rng(2)
    radiomics, network = cohort(lesions=4)
    names = [f"score_{name}" for name in THREE_CLASSES]
    label = np.array(THREE_CLASSES)[rng.integers(3, size=len(radiomics))]
    hint = 3.0 * (label[:, None] == np.array(THREE_CLASSES))
    tables = []
    for table, strength in ((radiomics, 1), (network, 0.3)):
        raw = np.exp(rng.normal(size=(len(table), 3)) + strength * hint)
        chances = raw / raw.sum(axis=1, keepdims=True)
        table = table.assign(label=label, **dict(zip(names, chances.T, strict=True)))
        tables.append(table.assign(score=table[f"score_{POSITIVE}"]))
    result = stacked(*tables, Task(THREE_CLASSES, POSITIVE))
    scores = result.predictions[names]
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-9)
    right = scores.to_numpy().argmax(axis=1) == result.predictions["label"].map(
        {name: number for number, name in enumerate(THREE_CLASSES)}
    )
    alone = tables[0][tables[0]["patient"] >= "P60"]
    chosen = alone[names].to_numpy().argmax(axis=1)
    assert right.mean() >= (np.array(THREE_CLASSES)[chosen] == alone["label"]).mean() - 0.02
    assert len(result.weights) == 3 * 7  # six scores and an intercept for each class
