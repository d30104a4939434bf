"""Metrics on many draws equal scikit-learn's, one draw at a time."""

from dataclasses import replace

import numpy as np
import pytest
from livermets.evaluation.metrics import METRICS, measure
from livermets.evaluation.scored_rows import ScoredRows
from scipy.special import expit, logit
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression


def clustered(seed: int, decimals: int = 12) -> tuple[ScoredRows, np.ndarray]:
    """40 patients with 1 to 12 lesions, and counts of 30 draws; few decimals make ties."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(40), rng.integers(1, 13, 40))
    positive = patient >= 22
    score = expit(rng.normal(size=len(patient)) + positive + rng.normal(size=40)[patient])
    weight = rng.choice([0.25, 0.5, 1.0, 2.0], len(patient))
    rows = ScoredRows(positive, np.round(score, decimals), patient, weight)
    return rows, rng.multinomial(40, np.full(40, 1 / 40), size=30).astype(float)


def sklearn_values(rows: ScoredRows, weight: np.ndarray, threshold: float) -> dict[str, float]:
    truth, score = rows.positive, rows.score
    called, given = score >= threshold, {"sample_weight": weight}
    x = logit(np.clip(score, 1e-4, 1 - 1e-4))
    fit = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-13, max_iter=1000)
    tn, fp, _, tp = sk.confusion_matrix(truth, called, **given).ravel()
    return {
        "auc": sk.roc_auc_score(truth, score, **given),
        "average_precision": sk.average_precision_score(truth, score, **given),
        "accuracy": sk.accuracy_score(truth, called, **given),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, called, **given),
        "sensitivity": sk.recall_score(truth, called, **given),
        "specificity": sk.recall_score(truth, called, pos_label=False, **given),
        "f1": sk.f1_score(truth, called, **given),
        "mcc": sk.matthews_corrcoef(truth, called, **given),
        "brier": sk.brier_score_loss(truth, score, **given),
        "calibration_slope": fit.fit(x[:, None], truth, **given).coef_[0, 0],
        "net_benefit": (tp - fp * threshold / (1 - threshold)) / weight.sum(),
    }


@pytest.mark.parametrize("decimals", [12, 1])
@pytest.mark.parametrize("threshold", [0.5, 0.3], ids=str)
def test_every_draw_equals_scikit_learn_with_weights(decimals, threshold):
    rows, counts = clustered(1, decimals)
    values = measure(rows, counts, threshold)
    assert tuple(values) == METRICS or set(values) == set(METRICS)
    for draw, count in enumerate(counts):
        expected = sklearn_values(rows, count[rows.patient] * rows.weight, threshold)
        for name, value in expected.items():
            tolerance = 1e-7 if name.startswith("calibration") else 1e-12
            assert values[name][draw] == pytest.approx(value, abs=tolerance), name


def in_folds(seed: int) -> tuple[ScoredRows, np.ndarray]:
    """The rows of `clustered` in five folds of whole patients."""
    rows, counts = clustered(seed, decimals=1)
    return replace(rows, fold=rows.patient % 5), counts


def test_the_auc_counts_pairs_of_one_fold_alone():
    rows, counts = in_folds(3)
    values = measure(rows, counts)["auc"]
    same = rows.fold[:, None] == rows.fold[None]
    pair = same & rows.positive[:, None] & ~rows.positive[None]
    win = (rows.score[:, None] > rows.score[None]) + 0.5 * (rows.score[:, None] == rows.score[None])
    for value, count in zip(values, counts, strict=True):
        weight = count[rows.patient] * rows.weight
        of_pair = weight[:, None] * weight[None] * pair
        assert value == pytest.approx((of_pair * win).sum() / of_pair.sum())


def test_average_precision_ranks_the_rows_of_one_fold_alone():
    rows, counts = in_folds(4)
    values = measure(rows, counts)["average_precision"]
    for value, count in zip(values, counts, strict=True):
        weight = count[rows.patient] * rows.weight
        of_folds, positives = [], []
        for fold in range(5):
            part = rows.fold == fold
            positives.append((weight * rows.positive)[part].sum())
            if positives[-1]:
                of_folds.append(
                    sk.average_precision_score(
                        rows.positive[part], rows.score[part], sample_weight=weight[part]
                    )
                    * positives[-1]
                )
        assert value == pytest.approx(sum(of_folds) / sum(positives))


def test_a_model_that_returns_its_folds_training_prior_has_an_auc_of_one_half_and_no_slope():
    rows, counts = in_folds(5)
    share = np.array([rows.positive[rows.fold != fold].mean() for fold in range(5)])
    values = measure(replace(rows, score=share[rows.fold]), counts)
    np.testing.assert_allclose(values["auc"], 0.5)
    assert np.isnan(values["calibration_slope"]).all()


def test_calibration_in_the_large_makes_expected_and_observed_equal():
    rows, counts = clustered(2)
    intercept = measure(rows, counts)["calibration_intercept"]
    weight = counts[:, rows.patient] * rows.weight
    chance = expit(intercept[:, None] + logit(np.clip(rows.score, 1e-4, 1 - 1e-4)))
    np.testing.assert_allclose((weight * chance).sum(1), (weight * rows.positive).sum(1), rtol=1e-9)


def test_an_honest_probability_has_slope_one_and_intercept_zero():
    rng = np.random.default_rng(3)
    score = expit(rng.normal(0, 1.5, 200_000))
    rows = ScoredRows(
        rng.random(len(score)) < score, score, np.zeros(len(score), int), np.ones_like(score)
    )
    values = measure(rows, np.ones((1, 1)))
    assert values["calibration_slope"][0] == pytest.approx(1, abs=0.02)
    assert values["calibration_intercept"][0] == pytest.approx(0, abs=0.02)


def one_row_each(positive, score) -> tuple[ScoredRows, np.ndarray]:
    n = len(score)
    rows = ScoredRows(np.array(positive, bool), np.array(score, float), np.arange(n), np.ones(n))
    return rows, np.ones((1, n))


def test_separated_classes_have_auc_one_and_no_calibration_slope():
    values = measure(*one_row_each([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.4, 0.6, 0.7, 0.9]))
    for name in ("auc", "mcc", "average_precision"):
        assert values[name][0] == pytest.approx(1)
    assert np.isnan(values["calibration_slope"][0])


def test_a_constant_score_has_auc_one_half_and_mcc_zero():
    values = measure(*one_row_each([0, 0, 1], [0.25, 0.25, 0.25]))
    assert values["auc"] == pytest.approx(0.5)
    assert values["mcc"] == 0
    assert np.isnan(values["calibration_slope"][0])
    assert values["calibration_intercept"][0] == pytest.approx(logit(1 / 3) - logit(0.25))


def test_a_draw_with_one_class_has_no_auc_but_an_accuracy():
    rows, _ = one_row_each([0, 0, 1], [0.2, 0.6, 0.7])
    values = measure(rows, np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]))
    for name in ("auc", "average_precision", "balanced_accuracy", "sensitivity", "f1"):
        expected_nan = name != "f1"  # F1 of no positives but one false call is 0
        assert np.isnan(values[name][0]) == expected_nan, name
        assert np.isfinite(values[name][1]), name
    assert values["accuracy"][0] == pytest.approx(0.5, abs=1e-12)


def test_scores_of_exactly_zero_and_one_have_a_finite_calibration():
    positive = [0, 0, 0, 1, 1, 1]
    values = measure(*one_row_each(positive, [0, 0, 1, 0, 1, 1]))
    assert np.isfinite(values["calibration_slope"][0])
    assert values["calibration_intercept"][0] == pytest.approx(0, abs=1e-9)
