"""Attention over slices, learned with the network, where one slice of several tells the class."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.lesion_textures import QUICK, cohort
from livermets.deep_learning.dataset import lesion_dataset
from livermets.deep_learning.densenet import Run, predict_split, train_split
from livermets.deep_learning.network import LesionNet
from livermets.pooling.attention_densenet import attend_slices
from livermets.pooling.slice_attention import SliceAttention
from livermets.predictions.task import Task

AB = Task(["a", "b"], "b")
RUN = Run(split="holdout", seed=1)


def roles_of(labels) -> dict[str, str]:
    roles = dict.fromkeys(labels, "train")
    return roles | dict.fromkeys(["P0", "P1"], "test") | dict.fromkeys(["P2", "P3"], "validation")


def trained(slices, labels, settings=QUICK):
    return train_split(slices, labels, roles_of(labels), AB, settings, RUN)[0]


def test_untrained_attention_gives_the_mean_of_the_logits_of_the_slices(tiny):
    slices, labels = cohort(patients=4, per_lesion=3)
    network = LesionNet(150.0, 20.0)
    dataset = lesion_dataset(slices, labels, ["P1"], ["a", "b"])
    with torch.inference_mode():
        logits = (
            network.eval()(network.prepare(dataset.images.to(torch.device("cpu"))))
            .reshape(-1, 3)
            .mean(dim=1)
        )
    scored, weights = SliceAttention(network).score(dataset)
    torch.testing.assert_close(scored, logits)
    torch.testing.assert_close(weights, torch.full((9,), 1 / 3))


def test_the_same_seed_gives_the_same_scores_and_test_labels_change_none(tiny):
    slices, labels = cohort()
    state = trained(slices, labels)
    first = attend_slices(state, slices, labels, roles_of(labels), AB, QUICK, 2, RUN)
    swapped = labels | {"P0": "b", "P1": "a"}
    again = attend_slices(state, slices, swapped, roles_of(labels), AB, QUICK, 2, RUN)
    np.testing.assert_array_equal(again.predictions["score"], first.predictions["score"])
    assert first.history["epoch"].tolist() == [0, 1, 2]
    assert first.history["best"].iloc[0]
    sums = first.attention.groupby(["patient", "lesion"])["attention"].sum()
    np.testing.assert_allclose(sums, 1, atol=1e-6)
    assert first.predictions[["patient", "lesion"]].values.tolist() == [
        [patient, lesion] for patient in ("P0", "P1") for lesion in (1, 2, 3)
    ]


@pytest.mark.training
def test_attention_finds_the_one_slice_of_four_that_tells_the_class(tiny):
    slices, labels = cohort(patients=20, per_lesion=4, coarse=0.7)  # two classes alike
    telling, _ = cohort(patients=20, per_lesion=4)
    for patient in slices:
        place = np.arange(12) % 4 == 2
        slices[patient]["images"][place] = telling[patient]["images"][place]
    settings = QUICK | {"epochs": 8, "augment": {"probability": 0.0}}
    state = trained(slices, labels, settings)
    mean = predict_split(state, slices, labels, ["P0", "P1"], AB, RUN)
    result = attend_slices(state, slices, labels, roles_of(labels), AB, settings, 15, RUN)

    def gap(table: pd.DataFrame) -> float:
        means = table.groupby("label")["score"].mean()
        return means["b"] - means["a"]

    assert gap(result.predictions) > gap(mean)
    of_positive = result.attention[result.attention["patient"] == "P1"]
    share = of_positive.groupby("slice")["attention"].mean()
    assert share.idxmax() == 3
