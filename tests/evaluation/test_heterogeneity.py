"""Heterogeneity of sites: Cochran's Q and I² against values computed by hand and by statsmodels."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from livermets.evaluation.heterogeneity import cochran_q, logit_auc, site_heterogeneity
from livermets.evaluation.subgroups import measure_subgroups
from scipy.special import expit, logit
from scipy.stats import norm
from statsmodels.stats.meta_analysis import combine_effects


def sites(aucs: list[float], patients: int) -> pd.DataFrame:
    """The subgroups table of sites of equal size, each an external test with a given true AUC."""
    rng = np.random.default_rng(8)
    tables = []
    for name, auc in zip("ABCDEFGH", aucs, strict=False):
        positive = np.arange(patients) % 2 == 1
        score = rng.normal(size=patients) + np.sqrt(2) * norm.ppf(auc) * positive
        names = [f"{name}{i:03d}" for i in range(patients)]
        label = np.where(positive, POSITIVE, CLASSES[0])
        table = {"arm": "mine", "split": f"site-{name}", "patient": names, "lesion": 1}
        tables.append(pd.DataFrame(table | {"label": label, "score": expit(score), "site": name}))
    rows = pd.concat(tables)
    cohort = rows[["patient", "label", "site"]].assign(included=True)
    return measure_subgroups(rows, cohort, ["mine"], CLASSES, POSITIVE)


def test_q_and_i_squared_are_those_of_statsmodels():
    values, variances = np.array([0.2, 1.1, 0.7, 2.0]), np.array([0.1, 0.2, 0.15, 0.3])
    peer = combine_effects(values, variances, method_re="dl")
    assert cochran_q(values, variances) == pytest.approx(peer.q)
    table = sites([0.6, 0.7, 0.95, 0.9], 40)
    row = site_heterogeneity(table).iloc[0]
    peer = combine_effects(*logit_auc(table[table["variable"] == "site"]), method_re="dl")
    assert row["sites"] == 4
    assert row["q"] == pytest.approx(peer.q)
    assert row["i_squared"] == pytest.approx(max(0, peer.i2))


def test_sites_that_differ_have_a_large_share_and_sites_that_are_alike_a_small_one():
    different = site_heterogeneity(sites([0.55, 0.95, 0.55, 0.95], 80)).iloc[0]
    alike = site_heterogeneity(sites([0.8] * 4, 80)).iloc[0]
    assert different["i_squared"] > 0.75
    assert alike["i_squared"] < 0.4


def test_a_site_without_an_error_has_a_finite_weight():
    site = pd.DataFrame({"value": [1.0, 0.75], "standard_error": [0.0, 0.1], "n_patients": 8})
    values, variances = logit_auc(site.assign(n_positive=4))
    assert values == pytest.approx(logit([16.5 / 17, 12.5 / 17]))
    assert np.isfinite(variances).all()
    assert variances[0] > variances[1] > 0


def test_a_single_site_with_an_interval_has_no_heterogeneity():
    table = sites([0.8, 0.8], 40)
    one = table.assign(low=table["low"].where(table["group"] != "B"))
    assert site_heterogeneity(one).empty
    assert site_heterogeneity(table.iloc[:0]).empty
