"""Which features survive small changes of mask and image: intraclass correlation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput

IDS = ("patient", "lesion", "label", "volume_ml", "perturbation")


def icc31(values: np.ndarray) -> np.ndarray:
    """ICC(3,1), Shrout & Fleiss 1979 (doi 10.1037/0033-2909.86.2.420): single, consistent ratings.

    Parameters
    ----------
    values : (targets, raters, features)

    Returns
    -------
    (features,), at most 1; NaN with fewer than two complete targets or where nothing varies.
    Targets with a missing rating do not count for that feature.
    """
    raters = values.shape[1]
    known = np.isfinite(values).all(axis=1)  # (targets, features)
    targets = known.sum(axis=0)
    values = np.where(known[:, None], values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = values.sum((0, 1)) / (targets * raters)
        of_target = np.where(known, values.mean(axis=1) - mean, 0.0)
        of_rater = values.sum(axis=0) / targets - mean
        total = (np.where(known[:, None], values - mean, 0.0) ** 2).sum((0, 1))
        between = raters * (of_target**2).sum(axis=0)
        rest = np.maximum(total - between - targets * (of_rater**2).sum(axis=0), 0.0)
        msr, mse = between / (targets - 1), rest / ((targets - 1) * (raters - 1))
        icc = (msr - mse) / (msr + (raters - 1) * mse)
    return np.where((targets >= 2) & (total > 1e-20 * mean**2 * targets), icc, np.nan)


def gather_perturbed(features: pd.DataFrame, paths: Sequence[str | Path]) -> pd.DataFrame:
    """The perturbed lesions of the patients in the features table, with their label and volume.

    paths : each patient's Parquet (perturbation, lesion and features), named `{patient}.parquet`
    """
    known = features[["patient", "lesion", "label", "volume_ml"]]
    tables = [pd.read_parquet(path).assign(patient=Path(path).stem) for path in paths]
    table = known.merge(pd.concat(tables, ignore_index=True), on=["patient", "lesion"])
    return table[[*IDS, *(name for name in table if name not in IDS)]]


def icc_table(perturbed: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """ICC(3,1) of every feature in every split, from its training patients alone.

    Parameters
    ----------
    perturbed : `IDS` and features; every lesion of every patient under every perturbation
    splits : split, patient, role; roles train and validation count as training

    Returns
    -------
    split, feature, icc, lesions (how many went in)
    """
    features = [name for name in perturbed if name not in IDS]
    keys, values = _by_lesion(perturbed, features)
    tables = []
    for split, part in splits.groupby("split", sort=False):
        training = part.loc[part["role"].isin(["train", "validation"]), "patient"]
        rows = keys["patient"].isin(training).to_numpy()
        tables.append(_table(values[rows], features, split=split))
    return pd.concat(tables, ignore_index=True)


def icc_by_size(perturbed: pd.DataFrame, groups: int = 3) -> pd.DataFrame:
    """ICC(3,1) by class and by lesion size, for the figure; over all patients, so no filter.

    Returns label ("all" first), size (1 smallest third ... ; 0 all), low_ml, high_ml, feature, icc,
    lesions.
    """
    features = [name for name in perturbed if name not in IDS]
    keys, values = _by_lesion(perturbed, features)
    volume = keys["volume_ml"].to_numpy()
    edges = np.quantile(volume, np.linspace(0, 1, groups + 1))
    size = np.clip(np.searchsorted(edges, volume, "left"), 1, groups)
    tables = []
    for label in ["all", *sorted(keys["label"].unique())]:
        ours = np.ones(len(keys), bool) if label == "all" else (keys["label"] == label).to_numpy()
        for group in range(groups + 1):
            rows = ours & ((size == group) if group else True)
            low, high = edges[[group - 1, group]] if group else edges[[0, -1]]
            where = {"label": label, "size": group, "low_ml": low, "high_ml": high}
            tables.append(_table(values[rows], features, **where))
    return pd.concat(tables, ignore_index=True)


def unstable_features(icc: pd.DataFrame, min_icc: float | None) -> dict[str, list[str]]:
    """Of each split, the features whose ICC is below `min_icc` or not known; {} without a limit."""
    if min_icc is None:
        return {}
    known = icc.groupby("split", sort=False)["icc"].count()
    if (known == 0).any():
        raise BadInput(
            f"{known.index[known == 0][0]}: no feature has an ICC, as fewer than two training "
            "lesions could be measured under every perturbation: set radiomics.min_icc to null"
        )
    below = icc[~(icc["icc"] >= min_icc)]
    return {split: list(rows["feature"]) for split, rows in below.groupby("split")}


def read_unstable(path: str | Path | None, min_icc: float | None) -> dict[str, list[str]]:
    """`unstable_features` of a table in a file; {} without a file."""
    return unstable_features(pd.read_parquet(path), min_icc) if path else {}


def _by_lesion(table: pd.DataFrame, features: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """One row of keys a lesion, and its features as (lesions, perturbations, features)."""
    table = table.sort_values(["patient", "lesion", "perturbation"], ignore_index=True)
    raters = table["perturbation"].nunique()
    full = pd.MultiIndex.from_product(
        [range(len(table.drop_duplicates(["patient", "lesion"]))), range(raters)]
    )
    lesion = table.groupby(["patient", "lesion"], sort=False).ngroup()
    rater = table["perturbation"].rank(method="dense").astype(int) - 1
    placed = table[list(features)].set_axis(pd.MultiIndex.from_arrays([lesion, rater]), axis=0)
    values = placed.reindex(full).to_numpy(float).reshape(-1, raters, len(features))
    keys = table.drop_duplicates(["patient", "lesion"])[["patient", "lesion", "label", "volume_ml"]]
    return keys.reset_index(drop=True), values


def _table(values: np.ndarray, features: Sequence[str], **where: object) -> pd.DataFrame:
    known = np.isfinite(values).all(axis=1).sum(axis=0)
    return pd.DataFrame(
        {**where, "feature": list(features), "icc": icc31(values), "lesions": known}
    )
