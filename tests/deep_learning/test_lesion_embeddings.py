"""Embeddings of lesions by DenseNet-121: what they are, and whose network makes them."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.lesion_textures import QUICK, cohort
from livermets.core.errors import BadInput
from livermets.deep_learning.dataset import lesion_dataset
from livermets.deep_learning.densenet import Run, train_split
from livermets.deep_learning.inference import predict
from livermets.deep_learning.lesion_embeddings import embed_lesions, embed_split
from livermets.deep_learning.lesion_slices import save_slices
from livermets.deep_learning.network import LesionNet, save_model
from livermets.deep_learning.patient_slices import load_patients
from livermets.predictions.task import Task

AB = Task(["a", "b"], "b")
RUN = Run(split="holdout", seed=1)


def trained(patients=8):
    slices, labels = cohort(patients=patients)
    roles = dict.fromkeys(labels, "train") | dict.fromkeys(["P0", "P1"], "test")
    state, _ = train_split(slices, labels, roles, AB, QUICK, RUN)
    splits = pd.DataFrame({"split": "holdout", "patient": list(roles), "role": roles.values()})
    return state, slices, labels, splits


def embedded_columns(table):
    return [name for name in table if name.startswith("densenet121_")]


def test_the_last_layer_makes_the_mean_logit_of_a_lesion_of_its_embedding(tiny):
    state, slices, labels, _ = trained()
    table = embed_lesions(state, slices, AB, RUN)
    assert table[["split", "patient", "lesion"]].values.tolist() == [
        ["holdout", patient, lesion] for patient in sorted(slices) for lesion in (1, 2, 3)
    ]
    network = LesionNet()
    network.load_state_dict(state)
    last = network.densenet[-1]
    values = torch.as_tensor(table[embedded_columns(table)].to_numpy(copy=True))
    with torch.inference_mode():
        made = last(values).squeeze(1).numpy()
    dataset = lesion_dataset(slices, labels, sorted(slices), ["a", "b"])
    logits = predict(network, dataset).numpy().reshape(-1, 2).mean(axis=1)
    np.testing.assert_allclose(made, logits, atol=1e-4)


def test_densenet_121_gives_1024_values_of_a_lesion():
    slices, _ = cohort(patients=1, lesions=1, per_lesion=1)
    state = LesionNet(150.0, 20.0).state_dict()
    table = embed_lesions(state, slices, AB, RUN)
    assert len(embedded_columns(table)) == 1024
    assert table[embedded_columns(table)].to_numpy().std() > 0


def test_lesions_of_two_scans_keep_scan_and_number(tiny, tmp_path):
    state, slices, _, _ = trained()
    arrays = slices["P3"]
    files = {}
    for scan in ("before", "later"):
        files[f"P3@{scan}"] = tmp_path / f"P3@{scan}.npz"
        save_slices(dict(arrays), files[f"P3@{scan}"])
    table = embed_lesions(state, load_patients(files, {"P3"}), AB, RUN)
    assert table[["scan", "lesion"]].values.tolist() == [
        [scan, lesion] for scan in ("before", "later") for lesion in (1, 2, 3)
    ]


def test_a_network_of_another_split_is_refused(tiny, tmp_path):
    state, _, _, splits = trained()
    save_model(state, {"split": "cv1-fold1", "settings": {}}, tmp_path / "model.pt")
    with pytest.raises(BadInput, match="trained on cv1-fold1 and may have seen the test patients"):
        embed_split(tmp_path / "model.pt", {}, splits, AB, RUN)
