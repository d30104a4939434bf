"""The AUC in each split equals scikit-learn's; the corrected interval speaks about new models."""

import numpy as np
import pytest
from helpers.classes import CLASSES, POSITIVE
from livermets.evaluation.per_split import auc_per_split, corrected_interval, summarise_splits
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score


def test_each_split_of_a_cross_validation_has_its_own_auc(predictions, splits):
    areas = auc_per_split(predictions, CLASSES, POSITIVE)
    assert set(areas["scheme"]) == {"cv"}  # the hold-out is one split
    part = predictions.query("arm == 'knn-none' and split == 'cv1-fold2'")
    row = areas.query("arm == 'knn-none' and split == 'cv1-fold2' and level == 'lesion'").iloc[0]
    assert row["auc"] == pytest.approx(roc_auc_score(part["label"] == POSITIVE, part["score"]))
    assert row["n_patients"] == part["patient"].nunique()
    summary = summarise_splits(areas, splits).query("arm == 'knn-none' and level == 'lesion'")
    of_arm = areas.query("arm == 'knn-none' and level == 'lesion'")["auc"]
    assert summary["mean"].item() == pytest.approx(of_arm.mean())
    assert summary["splits"].item() == 10


def test_the_interval_is_nadeau_and_bengios():
    values = np.array([0.6, 0.7, 0.8, 0.65, 0.75])
    low, high = corrected_interval(values, 0.25)
    margin = student.isf(0.025, 4) * values.std(ddof=1) * np.sqrt(1 / 5 + 0.25)
    assert (low, high) == pytest.approx((0.7 - margin, 0.7 + margin))
    assert np.isnan(corrected_interval(values[:2], 0.25).low)


def test_splits_without_an_error_or_all_alike_have_no_spread_to_measure():
    for values in ([0.9, 1.0, 0.8], [1.0, 1.0, 1.0], [0.5, 0.5, 0.5]):
        assert np.isnan(corrected_interval(np.array(values), 0.25).low)


def test_a_split_that_tests_one_class_has_no_auc_and_is_left_out_of_the_mean(predictions, splits):
    one_class = (predictions["split"] == "cv1-fold1") & (predictions["label"] == POSITIVE)
    fewer = predictions[~one_class]
    areas = auc_per_split(fewer, CLASSES, POSITIVE)
    row = areas.query("arm == 'knn-none' and split == 'cv1-fold1' and level == 'patient'")
    assert np.isnan(row["auc"].item())
    summary = summarise_splits(areas, splits).query("arm == 'knn-none' and level == 'patient'")
    assert summary["splits"].item() == 9
