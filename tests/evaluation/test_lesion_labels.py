"""Results where lesions carry the label: by lesion, over patients of one class and of both."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from livermets.core.errors import BadInput
from livermets.evaluation.confusion import confusion
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.jackknife import PatientSample, delete_one_counts, jackknife
from livermets.evaluation.levels import headline_level, levels_of
from livermets.evaluation.metrics import auc
from livermets.evaluation.paired_differences import compare_arms
from livermets.evaluation.per_split import auc_per_split
from livermets.evaluation.scored_arms import scheme_patients
from livermets.evaluation.scored_rows import ScoredRows
from livermets.evaluation.subgroups import measure_subgroups
from sklearn.metrics import roc_auc_score

TASK = {"classes": CLASSES, "positive": POSITIVE}


def predictions(patients: int = 40, seed: int = 0, split: str = "given") -> pd.DataFrame:
    """Four lesions a patient; of every other patient the lesions are of both classes."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), 4)
    lesion = np.tile(np.arange(1, 5), patients)
    positive = np.where(patient % 2, lesion > 2, patient % 4 == 0)
    effect = rng.normal(size=patients)[patient]
    tables = []
    for arm, gain in (("knn-none", 1.5), ("baseline_volume", 0.5)):
        score = 1 / (1 + np.exp(-(gain * positive + effect + rng.normal(size=len(patient)))))
        tables.append(
            pd.DataFrame(
                {
                    "arm": arm,
                    "split": split,
                    "patient": [f"P{i:02}" for i in patient],
                    "lesion": lesion,
                    "label": np.where(positive, POSITIVE, CLASSES[0]),
                    "score": score,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def obuchowski(positive: np.ndarray, score: np.ndarray, patient: np.ndarray) -> float:
    """Variance of the AUC of clustered data (1997, formula 2), with lesions of both classes."""
    wins = (score[positive][:, None] > score[~positive][None]).astype(float)
    area, clusters = wins.mean(), patient.max() + 1
    of_positive = np.bincount(patient[positive], wins.mean(1) - area, clusters)
    of_others = np.bincount(patient[~positive], wins.mean(0) - area, clusters)
    m, n = positive.sum(), (~positive).sum()
    with_positive = len(np.unique(patient[positive]))
    with_others = len(np.unique(patient[~positive]))
    return float(
        with_positive / (with_positive - 1) * (of_positive**2).sum() / m**2
        + with_others / (with_others - 1) * (of_others**2).sum() / n**2
        + 2 * clusters / (clusters - 1) * (of_positive * of_others).sum() / (m * n)
    )


def test_the_variance_over_patients_of_both_classes_is_nearly_obuchowskis():
    table = predictions(patients=200)
    table = table[table["arm"] == "knn-none"]
    patient = pd.factorize(table["patient"])[0]
    positive, score = (table["label"] == POSITIVE).to_numpy(), table["score"].to_numpy()
    rows = ScoredRows(positive, score, patient, np.ones(len(table)))
    sample = scheme_patients(table).at_level("lesion")
    estimate = jackknife(auc(rows, delete_one_counts(200)), sample)
    # a formula of components against leaving patients out: they differ by terms of 1 / patients
    assert estimate.variance == pytest.approx(obuchowski(positive, score, patient), rel=0.03)
    assert estimate.value == pytest.approx(roc_auc_score(positive, score), abs=1e-12)


def test_effective_patients_of_a_class_are_those_with_its_lesions():
    tested = scheme_patients(predictions(8)[lambda t: t["arm"] == "knn-none"])
    by_lesion = tested.at_level("lesion")
    # colorectal: 4 patients with 2 lesions, 2 with 4; pancreatic: the same (Kish 1965)
    kish = (4 * 2 + 2 * 4) ** 2 / (4 * 2**2 + 2 * 4**2)
    assert by_lesion.effective_numbers() == pytest.approx(dict.fromkeys(CLASSES, kish))
    assert by_lesion.number_in(POSITIVE) == 6
    weighted = tested.at_level("lesion_weighted").effective_numbers()
    assert weighted[POSITIVE] == pytest.approx((4 * 0.5 + 2) ** 2 / (4 * 0.25 + 2))


def test_there_are_no_results_by_patient_and_the_main_result_is_by_lesion():
    table = predictions()
    assert levels_of(table) == ("lesion_weighted", "lesion")
    assert headline_level(levels_of(table)) == "lesion"
    metrics = evaluate(table, **TASK)
    assert set(metrics["level"]) == {"lesion_weighted", "lesion"}
    assert set(confusion(table, **TASK)["level"]) == {"lesion_weighted", "lesion"}
    pairs = compare_arms(table, primary=("knn-none", "baseline_volume"), **TASK)
    assert set(pairs["level"]) == {"lesion_weighted", "lesion"}
    assert list(pairs.loc[pairs["primary"], "level"]) == ["lesion"]


def test_the_auc_by_lesion_is_that_of_all_lesions_and_has_an_interval():
    table = predictions()
    metrics = evaluate(table, **TASK).set_index(["arm", "level", "metric"])
    for arm, rows in table.groupby("arm"):
        found = metrics.loc[(arm, "lesion", "auc")]
        area = roc_auc_score(rows["label"] == POSITIVE, rows["score"])
        assert found["value"] == pytest.approx(area, abs=1e-12)
        assert found["low"] < area < found["high"]
        assert found["n_lesions"] == 160
        assert found["n_positive"] == (rows["label"] == POSITIVE).sum()


def test_single_splits_and_subgroups_are_by_lesion_too():
    table = pd.concat([predictions(20, seed, f"cv1-fold{seed + 1}") for seed in (0, 1)])
    table["patient"] = table["split"].str[-1] + table["patient"]
    areas = auc_per_split(table, **TASK)
    assert set(areas["level"]) == {"lesion_weighted", "lesion"}
    assert set(areas["n_positive"]) == {15}  # of 20 patients 5 have colorectal lesions alone
    cohort = pd.DataFrame({"patient": table["patient"].unique(), "included": True})
    groups = measure_subgroups(table, cohort, ["knn-none"], **TASK)
    assert list(groups["level"]) == ["lesion"]
    assert groups["low"].notna().all()


def test_patients_of_one_class_each_keep_results_by_patient():
    table = predictions()
    pure = table[table["patient"].str[1:].astype(int) % 2 == 0]
    assert levels_of(pure) == ("patient", "lesion_weighted", "lesion")
    sample = scheme_patients(pure).at_level("lesion")
    assert sample.in_class is None
    assert set(sample.label) == set(CLASSES)


def test_arms_that_disagree_about_one_lesion_are_refused():
    table = predictions()
    wrong = (table["arm"] == "knn-none") & (table["patient"] == "P01") & (table["lesion"] == 1)
    assert table.loc[wrong, "label"].item() == CLASSES[0]
    table.loc[wrong, "label"] = POSITIVE
    with pytest.raises(BadInput, match=r"'knn-none'.*P01|P01.*'knn-none'"):
        evaluate(table, **TASK)


def test_arms_that_have_no_label_of_a_patient_in_common_are_refused():
    table = predictions()
    other = (table["arm"] == "knn-none") & (table["patient"] == "P00")
    table.loc[other, "label"] = CLASSES[0]
    table.loc[other, "lesion"] += 10  # another numbering: no lesion in common
    with pytest.raises(BadInput, match="P00.*Run the arms on the same cohort"):
        evaluate(table, **TASK)


def test_one_population_has_no_classes_to_stratify_by():
    table = predictions(12)
    sample = scheme_patients(table[table["arm"] == "knn-none"]).at_level("lesion")
    assert isinstance(sample, PatientSample)
    assert set(sample.label) == {""}
