"""Heterogeneity: how much the AUCs of the sites differ beyond what chance explains."""

import numpy as np
import pandas as pd
from scipy.special import logit

from livermets.evaluation.expected_variance import auc_variance

COLUMNS = ("scheme", "arm", "sites", "q", "i_squared")


def site_heterogeneity(subgroups: pd.DataFrame) -> pd.DataFrame:
    """Compute Cochran's Q and I² of the AUCs of the sites, on the logit scale.

    Each site weighs the inverse of its variance (DerSimonian & Laird 1986,
    doi:10.1016/0197-2456(86)90046-2). I² is the share of the spread that chance does not explain
    (Higgins & Thompson 2002, doi:10.1002/sim.1186), at least 0.

    Parameters
    ----------
    subgroups : DataFrame
        As `livermets.evaluation.subgroups.measure_subgroups` returns it.

    Returns
    -------
    DataFrame
        scheme, arm, sites (that have an interval), q and i_squared; a row for each scheme and arm
        with at least two such sites.
    """
    of_sites = subgroups[(subgroups["variable"] == "site") & subgroups["low"].notna()]
    rows = []
    for (scheme, arm), sites in of_sites.groupby(["scheme", "arm"], sort=False):
        if len(sites) < 2:
            continue
        q = cochran_q(*logit_auc(sites))
        surplus = q - (len(sites) - 1)
        i_squared = max(0.0, surplus / q) if q > 0 else 0.0
        rows.append((scheme, arm, len(sites), q, i_squared))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def logit_auc(sites: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Move the AUCs of sites and their variances to the logit scale.

    Half a pair is added to the won and to the lost ones, so that an AUC of 1 has a finite logit.
    The variance is that over patients, or the one of independent patients (Hanley & McNeil 1982)
    where that is larger: few patients without an error show no variance at all.

    Parameters
    ----------
    sites : DataFrame
        value, standard_error, n_patients and n_positive of each site.

    Returns
    -------
    logits : ndarray of float, shape (sites,)
        The AUCs.
    variances : ndarray of float, shape (sites,)
        Their variances.
    """
    positive = sites["n_positive"].to_numpy(float)
    negative = sites["n_patients"].to_numpy(float) - positive
    pairs = positive * negative
    area = (sites["value"].to_numpy(float) * pairs + 0.5) / (pairs + 1)
    expected = [auc_variance(*side)(a) for *side, a in zip(positive, negative, area, strict=True)]
    variance = np.maximum(sites["standard_error"].to_numpy(float) ** 2, expected)
    return logit(area), variance / (area * (1 - area)) ** 2


def cochran_q(values: np.ndarray, variances: np.ndarray) -> float:
    """Compute Cochran's Q: squared distances from the weighted mean, in units of the variances."""
    weights = 1 / variances
    mean = float((weights * values).sum() / weights.sum())
    return float((weights * (values - mean) ** 2).sum())
