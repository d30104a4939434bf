"""Lesion scores from slices: the mean is the arm DenseNet-121 itself, others by sums by hand."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import THREE_CLASSES
from helpers.lesion_textures import QUICK, cohort
from livermets.deep_learning.densenet import Run, predict_split, train_split
from livermets.pooling.slice_scores import pool_slices, score_slices
from livermets.predictions.task import Task

AB = Task(["a", "b"], "b")
RUN = Run(split="holdout", seed=1)


def scores_of(values: list[float], **columns) -> pd.DataFrame:
    """Slices of one lesion with these scores, beside a lesion of one slice."""
    table = pd.DataFrame({"score": [*values, 0.25], "lesion": [*[1] * len(values), 2]})
    return table.assign(split="holdout", patient="P1", label="a", slice=1, **columns)


@pytest.mark.parametrize(
    ("pooling", "first"),
    [
        pytest.param("max", 0.9, id="highest"),
        pytest.param("topk", (0.9 + 0.9 + 0.4) / 3, id="three highest, of which two are alike"),
    ],
)
def test_the_highest_slices_score_a_lesion_and_a_lesion_of_one_slice_keeps_its_score(
    pooling, first
):
    table = pool_slices(scores_of([0.1, 0.9, 0.4, 0.9]), pooling, 3, ["a", "b"], "x")
    assert table["arm"].tolist() == ["x", "x"]
    np.testing.assert_allclose(table.set_index("lesion")["score"].loc[[1, 2]], [first, 0.25])


def test_of_three_classes_each_is_pooled_and_they_add_up_to_one():
    chances = {"score_colorectal": [0.7, 0.1, 0.2], "score_gastric": [0.2, 0.1, 0.3]}
    chances["score_pancreatic"] = [0.1, 0.8, 0.5]
    slices = scores_of([0.1, 0.8]).assign(**chances, score=chances["score_pancreatic"])
    table = pool_slices(slices, "max", 3, THREE_CLASSES, "x").set_index("lesion")
    np.testing.assert_allclose(table.loc[1, "score_pancreatic"], 0.8 / (0.7 + 0.2 + 0.8))
    names = list(chances)
    np.testing.assert_allclose(table[names].sum(axis=1), 1)


def test_the_mean_of_the_slice_scores_is_the_score_of_the_arm_densenet(tiny):
    slices, labels = cohort(patients=6)
    roles = dict.fromkeys(labels, "train") | {"P4": "test", "P5": "test"}
    state, _ = train_split(slices, labels, roles, AB, QUICK, RUN)
    tested = {patient: slices[patient] for patient in ("P4", "P5")}
    table = score_slices(state, tested, labels, AB, RUN)
    assert table.groupby(["patient", "lesion"])["slice"].apply(list).tolist() == [[1, 2]] * 6
    arm = predict_split(state, slices, labels, ["P4", "P5"], AB, RUN)
    mean = table.groupby(["patient", "lesion"])["score"].mean()
    np.testing.assert_allclose(mean, arm["score"], atol=1e-12)
