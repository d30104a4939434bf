"""Holm's correction against statsmodels."""

import numpy as np
from livermets.evaluation.multiplicity import holm
from statsmodels.stats.multitest import multipletests


def test_holm_equals_statsmodels_and_leaves_missing_values_out():
    p = np.random.default_rng(1).uniform(0, 0.2, 15)
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.04])), [0.02, np.nan, 0.04])
