"""Intraclass correlation: how well features agree under small changes of mask and image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput
from livermets.core.scan_ids import id_columns
from livermets.study.names import SCAN, lesion_key

IDS = ("patient", SCAN, "lesion", "label", "volume_ml", "perturbation")


def icc31(values: np.ndarray) -> np.ndarray:
    """ICC(3,1): consistency of single ratings (Shrout & Fleiss 1979, 10.1037/0033-2909.86.2.420).

    Parameters
    ----------
    values : ndarray of float, shape (targets, raters, features)
        Ratings. A target with a missing rating does not count for that feature.

    Returns
    -------
    ndarray of float, shape (features,)
        At most 1. NaN if fewer than two targets are complete or if nothing varies.
    """
    raters = values.shape[1]
    complete = np.isfinite(values).all(axis=1)  # (targets, features)
    targets = complete.sum(axis=0)
    values = np.where(complete[:, None], values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = values.sum((0, 1)) / (targets * raters)
        target_effect = np.where(complete, values.mean(axis=1) - mean, 0.0)
        rater_effect = values.sum(axis=0) / targets - mean
        total = (np.where(complete[:, None], values - mean, 0.0) ** 2).sum((0, 1))
        between = raters * (target_effect**2).sum(axis=0)
        residual = np.maximum(total - between - targets * (rater_effect**2).sum(axis=0), 0.0)
        msr, mse = between / (targets - 1), residual / ((targets - 1) * (raters - 1))
        icc = (msr - mse) / (msr + (raters - 1) * mse)
    return np.where((targets >= 2) & (total > 1e-20 * mean**2 * targets), icc, np.nan)


def gather_perturbed(features: pd.DataFrame, paths: Sequence[str | Path]) -> pd.DataFrame:
    """Gather the perturbed lesions of the patients in a table of features.

    Parameters
    ----------
    features : DataFrame
        Lesions with their patient, label and volume.
    paths : sequence of str or Path
        Files of `perturbations.perturb_files`, named `{scan}.parquet`.

    Returns
    -------
    DataFrame
        `IDS` and the features, one row a lesion and perturbation.
    """
    key = lesion_key(features)
    lesions = features[[*key, "label", "volume_ml"]]
    tables = [pd.read_parquet(path).assign(**id_columns(Path(path).stem)) for path in paths]
    table = lesions.merge(pd.concat(tables, ignore_index=True), on=key)
    ids = [name for name in IDS if name in table]
    return table[[*ids, *(name for name in table if name not in ids)]]


def icc_table(perturbed: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """ICC(3,1) of every feature in every split, from its training patients alone.

    Parameters
    ----------
    perturbed : DataFrame
        `IDS` and features; every lesion of every patient under every perturbation.
    splits : DataFrame
        Columns split, patient, role. The roles train and validation count as training.

    Returns
    -------
    DataFrame
        Columns split, feature, icc, and the number of lesions that were used.
    """
    features = _feature_names(perturbed)
    keys, values = _by_lesion(perturbed, features)
    tables = []
    for split, part in splits.groupby("split", sort=False):
        training = part.loc[part["role"].isin(["train", "validation"]), "patient"]
        rows = keys["patient"].isin(training).to_numpy()
        tables.append(_table(values[rows], features, split=split))
    return pd.concat(tables, ignore_index=True)


def icc_by_size(perturbed: pd.DataFrame, groups: int = 3) -> pd.DataFrame:
    """ICC(3,1) by class and by lesion size, for the figure.

    It comes from all patients and therefore must not select features.

    Parameters
    ----------
    perturbed : DataFrame
        As in `icc_table`.
    groups : int
        Number of groups of equal count by volume.

    Returns
    -------
    DataFrame
        Columns label ("all" first), size (0 for all, 1 for the smallest lesions), low_ml, high_ml,
        feature, icc, lesions.
    """
    features = _feature_names(perturbed)
    keys, values = _by_lesion(perturbed, features)
    volume = keys["volume_ml"].to_numpy()
    edges = np.quantile(volume, np.linspace(0, 1, groups + 1))
    size = np.clip(np.searchsorted(edges, volume, "left"), 1, groups)
    tables = []
    for label in ["all", *sorted(keys["label"].unique())]:
        of_label = (
            np.ones(len(keys), bool) if label == "all" else (keys["label"] == label).to_numpy()
        )
        for group in range(groups + 1):
            rows = of_label & ((size == group) if group else True)
            low, high = edges[[group - 1, group]] if group else edges[[0, -1]]
            columns = {"label": label, "size": group, "low_ml": low, "high_ml": high}
            tables.append(_table(values[rows], features, **columns))
    return pd.concat(tables, ignore_index=True)


def unstable_features(icc: pd.DataFrame, min_icc: float | None) -> dict[str, list[str]]:
    """List the features of each split whose ICC is below `min_icc` or missing.

    Parameters
    ----------
    icc : DataFrame
        Result of `icc_table`.
    min_icc : float or None
        Least ICC; without one, no feature is unstable.

    Returns
    -------
    dict of str to list of str
        Unstable features by split.

    Raises
    ------
    BadInput
        If no feature of a split has an ICC.
    """
    if min_icc is None:
        return {}
    counts = icc.groupby("split", sort=False)["icc"].count()
    if (counts == 0).any():
        raise BadInput(
            f"{counts.index[counts == 0][0]}: no feature has an ICC, as fewer than two training "
            "lesions could be measured under every perturbation: set radiomics.min_icc to null"
        )
    below = icc[~(icc["icc"] >= min_icc)]
    return {str(split): list(rows["feature"]) for split, rows in below.groupby("split")}


def read_unstable(path: str | Path | None, min_icc: float | None) -> dict[str, list[str]]:
    """Read the unstable features from a file of `icc_table`; none without a file."""
    return unstable_features(pd.read_parquet(path), min_icc) if path else {}


def _feature_names(perturbed: pd.DataFrame) -> list[str]:
    return [str(name) for name in perturbed if name not in IDS]


def _by_lesion(table: pd.DataFrame, features: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Keys of each lesion, and the features as array (lesions, perturbations, features)."""
    key = lesion_key(table)
    table = table.sort_values([*key, "perturbation"], ignore_index=True)
    raters = table["perturbation"].nunique()
    full = pd.MultiIndex.from_product([range(len(table.drop_duplicates(key))), range(raters)])
    lesion = table.groupby(key, sort=False).ngroup()
    rater = table["perturbation"].rank(method="dense").astype(int) - 1
    placed = table[list(features)].set_axis(pd.MultiIndex.from_arrays([lesion, rater]), axis=0)
    values = placed.reindex(full).to_numpy(float).reshape(-1, raters, len(features))
    keys = table.drop_duplicates(key)[[*key, "label", "volume_ml"]]
    return keys.reset_index(drop=True), values


def _table(values: np.ndarray, features: Sequence[str], **columns: object) -> pd.DataFrame:
    lesions = np.isfinite(values).all(axis=1).sum(axis=0)
    return pd.DataFrame(
        {**columns, "feature": list(features), "icc": icc31(values), "lesions": lesions}
    )
