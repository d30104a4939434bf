"""The jackknife's variance is DeLong's and Obuchowski's; its degrees of freedom see outliers."""

import numpy as np
import pytest
from livermets.evaluation.jackknife import PatientSample, delete_one_counts, jackknife
from livermets.evaluation.metrics import auc, threshold_metrics
from livermets.evaluation.scored_rows import ScoredRows


def alike(positive: np.ndarray) -> PatientSample:
    return PatientSample(np.where(positive, "b", "a"), np.ones(len(positive)))


def test_each_row_of_counts_leaves_one_patient_out():
    counts = delete_one_counts(4)
    assert counts.shape == (5, 4)
    assert (counts[0] == 1).all()
    assert (counts[1:].sum(axis=1) == 3).all()
    assert (np.diag(counts[1:]) == 0).all()


def test_with_one_lesion_a_patient_the_variance_is_delongs():
    rng = np.random.default_rng(0)
    positive = np.arange(40) < 15
    score = rng.normal(size=40) + positive
    wins = (score[positive][:, None] > score[~positive][None]).astype(float)
    delong = wins.mean(1).var(ddof=1) / 15 + wins.mean(0).var(ddof=1) / 25
    rows = ScoredRows(positive, score, np.arange(40), np.ones(40))
    estimate = jackknife(auc(rows, delete_one_counts(40)), alike(positive))
    assert estimate.variance == pytest.approx(delong, rel=1e-12)
    assert estimate.value == pytest.approx(wins.mean())


def test_with_several_lesions_of_a_patient_it_is_nearly_obuchowskis():
    rng = np.random.default_rng(1)
    patients = 200
    patient = np.repeat(np.arange(patients), 6)
    truth = np.arange(patients) < 80
    positive = truth[patient]
    score = rng.normal(size=patients)[patient] + rng.normal(size=len(patient)) + positive
    wins = (score[positive][:, None] > score[~positive][None]).astype(float)
    area = wins.mean()
    variance = 0.0
    for component, owner in ((wins.mean(1), patient[positive]), (wins.mean(0), patient[~positive])):
        sums = np.bincount(owner, component - area, patients)[np.unique(owner)]
        clusters = len(sums)
        variance += clusters / (clusters - 1) * (sums**2).sum() / len(component) ** 2
    rows = ScoredRows(positive, score, patient, np.ones(len(patient)))
    estimate = jackknife(auc(rows, delete_one_counts(patients)), alike(truth))
    assert estimate.variance == pytest.approx(variance, rel=1e-9)


def test_the_variance_of_a_sensitivity_is_that_of_a_mean_over_the_positive_patients():
    rng = np.random.default_rng(2)
    positive = np.arange(30) < 12
    score = rng.random(30)
    rows = ScoredRows(positive, score, np.arange(30), np.ones(30))
    values = threshold_metrics(rows, delete_one_counts(30), 0.5)["sensitivity"]
    estimate = jackknife(values, alike(positive))
    called = (score >= 0.5)[positive]
    assert estimate.variance == pytest.approx(called.var(ddof=1) / 12)
    np.testing.assert_allclose(estimate.deviation[~positive], 0, atol=1e-12)
    assert estimate.degrees_of_freedom <= 11


def test_one_patient_with_most_lesions_leaves_few_effective_patients():
    patients = PatientSample(np.array(["a"] * 5 + ["b"] * 4), np.r_[500.0, 10, 10, 10, 28, [1] * 4])
    numbers = patients.effective_numbers()
    assert numbers["a"] == pytest.approx(558**2 / (500**2 + 3 * 10**2 + 28**2))
    assert numbers["b"] == pytest.approx(4)


def test_normal_deviations_have_about_n_less_one_degrees_and_one_outlier_few():
    rng = np.random.default_rng(3)
    label = PatientSample(np.array(["a"] * 200), np.ones(200))
    freedom = [
        jackknife(np.r_[0.0, rng.normal(size=200)], label).degrees_of_freedom for _ in range(50)
    ]
    assert 150 < np.median(freedom) <= 199
    one_error = np.r_[0.0, np.zeros(199), 1.0]
    assert jackknife(one_error, label).degrees_of_freedom < 3


def test_a_metric_that_is_undefined_without_a_patient_has_no_variance():
    label = PatientSample(np.array(["a", "a", "b", "b"]), np.ones(4))
    estimate = jackknife(np.array([0.5, 0.5, np.nan, 0.4, 0.6]), label)
    assert np.isnan(estimate.deviation[:2]).any()
