"""Pooling where a patient has two scans, so that lesion 1 exists twice."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.feature_tables import folds_of
from helpers.lesion_signals import lesions_with_signal
from helpers.lesion_textures import QUICK, cohort
from livermets.core.errors import BadInput
from livermets.deep_learning.densenet import Run, predict_split, train_split
from livermets.deep_learning.lesion_slices import save_slices
from livermets.deep_learning.patient_slices import load_patients
from livermets.pooling.attention_densenet import attend_slices
from livermets.pooling.lesion_attention import AttentionSettings, train_attention
from livermets.pooling.patient_scores import pool_patients
from livermets.pooling.slice_scores import pool_slices, score_slices
from livermets.predictions.task import Task

AB = Task(["a", "b"], "b")
RUN = Run(split="holdout", seed=1)
LESIONS = [("before", 1), ("before", 2), ("later", 1), ("later", 2), ("later", 3)]
TESTED = ["P0", "P1"]


@pytest.fixture
def scans(tmp_path):
    """Slices of patients whose five lesions are two of a first scan and three of a second."""
    slices, labels = cohort(patients=6, lesions=5)
    files = {}
    for patient, arrays in slices.items():
        for scan, first, last in (("before", 1, 2), ("later", 3, 5)):
            part = (arrays["lesion"] >= first) & (arrays["lesion"] <= last)
            of_scan = {
                "images": arrays["images"][part],
                "lesion": arrays["lesion"][part] - first + 1,
            }
            files[f"{patient}@{scan}"] = tmp_path / f"{patient}@{scan}.npz"
            save_slices(of_scan, files[f"{patient}@{scan}"])
    roles = dict.fromkeys(labels, "train") | dict.fromkeys(TESTED, "test") | {"P2": "validation"}
    of_scans = {scan: labels[scan.split("@")[0]] for scan in files}
    return load_patients(files, labels), of_scans, roles


def keys(table: pd.DataFrame, patient: str) -> list[tuple[str, int]]:
    """Scan and number of the lesions of a patient's rows."""
    of_patient = table[table["patient"] == patient]
    return list(zip(of_patient["scan"], of_patient["lesion"], strict=True))


def test_slices_are_pooled_to_the_lesions_of_both_scans(tiny, scans):
    slices, labels, roles = scans
    state, _ = train_split(slices, labels, roles, AB, QUICK, RUN)
    tested = {patient: slices[patient] for patient in TESTED}
    scored = score_slices(state, tested, labels, AB, RUN)
    assert scored["slice"].tolist() == [1, 2] * 10  # of each lesion, not of each number
    pooled = pool_slices(scored, "max", 3, AB.classes, "densenet121_max")
    mean = predict_split(state, slices, labels, TESTED, AB, RUN)
    assert keys(pooled, "P1") == keys(mean, "P1") == LESIONS
    highest = scored["score"].to_numpy().reshape(-1, 2).max(axis=1)
    np.testing.assert_array_equal(pooled["score"], highest)


def test_attention_over_slices_scores_the_lesions_of_both_scans(tiny, scans):
    slices, labels, roles = scans
    state, _ = train_split(slices, labels, roles, AB, QUICK, RUN)
    result = attend_slices(state, slices, labels, roles, AB, QUICK, 1, RUN)
    assert keys(result.predictions, "P0") == LESIONS
    assert result.attention["slice"].tolist() == [1, 2] * 10
    sums = result.attention.groupby(["patient", "scan", "lesion"])["attention"].sum()
    np.testing.assert_allclose(sums, 1, atol=1e-6)


def test_with_a_label_of_its_own_each_scan_gives_it_to_its_lesions(tiny, scans):
    slices, labels, roles = scans
    own = {scan: "a" if scan.endswith("before") else "b" for scan in labels}
    state, _ = train_split(slices, own, roles, AB, QUICK, RUN)
    tested = {patient: slices[patient] for patient in TESTED}
    attended = attend_slices(state, slices, own, roles, AB, QUICK, 1, RUN)
    tables = {
        "mean": predict_split(state, slices, own, TESTED, AB, RUN),
        "slices": score_slices(state, tested, own, AB, RUN),
        "attention": attended.predictions,
    }
    for name, table in tables.items():
        named = set(zip(table["scan"], table["label"], strict=True))
        assert named == {("before", "a"), ("later", "b")}, name


def in_two_scans(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the odd lesions in a first and the even in a second scan, numbered anew."""
    scan = np.where(table["lesion"] % 2, "before", "later")
    return table.assign(scan=scan, lesion=(table["lesion"] + 1) // 2)


def test_attention_over_lesions_is_the_same_whether_they_are_of_one_scan_or_two():
    table = lesions_with_signal(carriers=1, shift=3, patients=16, lesions=4)
    splits = folds_of(table, folds=2)
    columns = [f"f{i}" for i in range(12)]
    arguments = (splits, Task(CLASSES, POSITIVE), AttentionSettings(folds=2), columns)
    one, _ = train_attention("radiomics~attention", table, *arguments)
    two, weights = train_attention("radiomics~attention", in_two_scans(table), *arguments)
    assert keys(two, "P000") == [("before", 1), ("before", 2), ("later", 1), ("later", 2)]
    assert list(weights.columns[:5]) == ["arm", "split", "patient", "scan", "lesion"]
    scores = [part.groupby(["split", "patient"])["score"].first() for part in (one, two)]
    np.testing.assert_allclose(*scores, atol=1e-3)  # sums in another order


def test_the_largest_lesion_of_a_patient_is_that_of_all_scans():
    predictions = pd.DataFrame(
        {"scan": ["before", "later"], "lesion": 1, "score": [0.2, 0.9], "split": "holdout"}
    ).assign(arm="knn-none", patient="P1", label=CLASSES[0])
    features = predictions[["patient", "scan", "lesion"]].assign(volume_ml=[1.0, 5.0])
    pooled = pool_patients(predictions, features, "largest", CLASSES, "x")
    assert pooled["score"].tolist() == [0.9, 0.9]
    weighted = pool_patients(predictions, features, "volume", CLASSES, "x")
    np.testing.assert_allclose(weighted["score"], (0.2 + 5 * 0.9) / 6)
    with pytest.raises(BadInput, match="patient P1, scan later: lesion 1 has no volume_ml"):
        pool_patients(predictions, features[:1], "largest", CLASSES, "x")
    with pytest.raises(BadInput, match="both the column scan"):
        pool_patients(predictions, features[:1].drop(columns="scan"), "largest", CLASSES, "x")
