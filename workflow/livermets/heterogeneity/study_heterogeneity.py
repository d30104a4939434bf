"""Heterogeneity of a study: its tables, from the features table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from livermets.core.errors import BadInput
from livermets.features.features_table import feature_columns
from livermets.heterogeneity import variation as measured
from livermets.heterogeneity.class_comparison import COLUMNS, compare_classes, too_few
from livermets.heterogeneity.outlier_lesions import lesion_distances
from livermets.study.names import SCAN, lesion_key

VOLUME = "volume_ml"
NO_FEATURE = "no feature has a scale on which a coefficient of variation means something"


@dataclass(frozen=True)
class Heterogeneity:
    """The tables of the study's heterogeneity.

    Parameters
    ----------
    variation : data frame
        As `livermets.heterogeneity.variation.lesion_variation` returns it.
    comparison : data frame
        As `livermets.heterogeneity.class_comparison.compare_classes` returns it; empty where there
        are too few patients.
    left_out : data frame
        feature and reason: features without a meaningful CV.
    lesions : data frame
        As `livermets.heterogeneity.outlier_lesions.lesion_distances` returns it.
    summary : dict
        patients (of each class, with two lesions or more), single (patients with one lesion),
        too_few (why the classes were not compared, or empty), permutations and min_patients.
    """

    variation: pd.DataFrame
    comparison: pd.DataFrame
    left_out: pd.DataFrame
    lesions: pd.DataFrame
    summary: dict[str, Any]

    @property
    def outliers(self) -> pd.DataFrame:
        """The outlier lesions, patient by patient."""
        rows = self.lesions[self.lesions["outlier"]]
        return rows.sort_values(lesion_key(rows), ignore_index=True).drop(columns="outlier")


def measure_heterogeneity(
    features: pd.DataFrame,
    classes: Sequence[str],
    positive: str,
    settings: dict[str, Any],
    seed: int,
) -> Heterogeneity:
    """Measure how unlike the lesions of each patient are, and compare the classes.

    Parameters
    ----------
    features : data frame
        The features table. Of a patient with several scans the first scan in it is measured: two
        scans show the same lesions, so their differences are those of time and not of lesions.
    classes : sequence of str
        Class names.
    positive : str
        The positive class.
    settings : dict
        `heterogeneity` of the configuration: min_patients, permutations.
    seed : int
        The study's seed.

    Returns
    -------
    Heterogeneity
        The tables.

    Raises
    ------
    BadInput
        The table has no feature.
    """
    features = of_first_scan(features)
    columns = feature_columns(features)
    if not columns:
        raise BadInput("the features table has no feature: give one numeric column or more.")
    reasons = measured.features_left_out(features, columns)
    kept = [name for name in columns if name not in reasons]
    variation = measured.lesion_variation(features, kept)
    few = NO_FEATURE
    if kept:
        few = too_few(variation, classes, settings["min_patients"], settings["permutations"])
    varying = variation.groupby("feature", sort=False)["pair_cv"].max()
    constant = set(varying.index[varying == 0])
    reasons |= {name: measured.CONSTANT for name in kept if name in constant}
    comparison = pd.DataFrame(columns=list(COLUMNS))
    if not few:
        compared = variation[~variation["feature"].isin(constant)]
        comparison = compare_classes(
            compared, classes, positive, **settings, seed=seed, volume=_volume_variation(features)
        )
        there = set(comparison["feature"])
        reasons |= {name: measured.FEW for name in kept if name not in {*there, *reasons}}
    several = features.groupby("patient").agg(label=("label", "first"), lesions=("label", "size"))
    with_two = several[several["lesions"] >= 2]
    return Heterogeneity(
        variation=variation,
        comparison=comparison,
        left_out=pd.DataFrame(list(reasons.items()), columns=["feature", "reason"]),
        lesions=lesion_distances(features, columns),
        summary={
            "patients": {name: int((with_two["label"] == name).sum()) for name in classes},
            "single": int((several["lesions"] < 2).sum()),
            "too_few": few,
            **settings,
        },
    )


def of_first_scan(features: pd.DataFrame) -> pd.DataFrame:
    """Keep the lesions of the first scan of each patient, in the order of the table.

    Parameters
    ----------
    features : data frame
        One row per lesion, with the column `scan` where patients have several.

    Returns
    -------
    data frame
        The rows kept, numbered anew.
    """
    if SCAN not in features:
        return features
    first = features.groupby("patient", sort=False)[SCAN].transform("first")
    return features[features[SCAN] == first].reset_index(drop=True)


def _volume_variation(features: pd.DataFrame) -> pd.Series | None:
    """Patient -> variation of the volumes of the lesions; None without volumes."""
    if VOLUME not in features:
        return None
    return measured.lesion_variation(features, [VOLUME]).set_index("patient")["pair_cv"]
