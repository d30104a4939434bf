"""SHAP summary: values summed over groups of correlated features, and how steady they are."""

import numpy as np
import pandas as pd
from scipy import stats

from livermets.explanation.feature_groups import study_groups
from livermets.explanation.main_splits import main_splits
from livermets.predictions.task import Task
from livermets.study.names import lesion_key

TOP = 3  # largest groups of a split
COLUMNS = (
    *("arm", "group", "features", "share", "sd", "lowest", "highest", "splits", "top"),
    *("direction", "members"),
)


def summarise_shap(
    values: pd.DataFrame, groups: pd.DataFrame, task: Task
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Summarise the SHAP values of some arms by group of features, in the main scheme.

    Each patient counts alike, whatever the number of lesions. The share of a feature in a split is
    its mean absolute SHAP value over that of all features.

    Parameters
    ----------
    values, groups : data frame
        As `livermets.explanation.shap_values.explain_arm` returns them, of one arm or more.
    task : Task
        The classes.

    Returns
    -------
    summary : data frame
        `COLUMNS`, a row for each arm and group that any split uses. `group` is its member with the
        largest share, `share` the mean over `splits` splits with its `sd`, `lowest` and `highest`;
        the shares of an arm add up to 1. `top` counts the splits in which it is among the three
        largest. `direction` is the class that higher values of `group` speak for.
    shares : data frame
        arm, group, split and share.
    """
    tables, shares = [], []
    for arm, of_arm in values.groupby("arm", sort=False):
        splits = main_splits(of_arm["split"].unique())
        of_arm = of_arm[of_arm["split"].isin(splits)]
        features = feature_shares(of_arm).reindex(columns=splits)
        mine = groups[(groups["arm"] == arm) & groups["split"].isin(splits)]
        number = study_groups(mine.set_index(["feature", "split"])["group"].unstack("split"))  # noqa: PD010
        leader = _leaders(features, number)
        share = features.groupby(leader.loc[features.index]).sum()
        top = (share.rank(ascending=False, method="min") <= TOP) & (share > 0)
        summary = pd.DataFrame(
            {
                "share": share.mean(axis=1),
                "sd": share.std(axis=1, ddof=1).fillna(0.0),
                "lowest": share.min(axis=1),
                "highest": share.max(axis=1),
                "splits": len(splits),
                "top": top.sum(axis=1),
            }
        ).rename_axis("group")
        members = leader.groupby(leader).apply(lambda names: sorted(names.index))
        summary["features"] = members.map(len)
        summary["members"] = members.map(", ".join)
        summary["direction"] = [_direction(of_arm, name, task) for name in summary.index]
        tables.append(summary.reset_index().assign(arm=arm))
        long = share.rename_axis("group").reset_index()
        long = long.melt("group", var_name="split", value_name="share")
        shares.append(long.assign(arm=arm))
    table = pd.concat(tables, ignore_index=True)[list(COLUMNS)]
    table["place"] = table["arm"].map({arm: k for k, arm in enumerate(values["arm"].unique())})
    table = table.sort_values(["place", "share", "group"], ascending=[True, False, True])
    return (
        table.drop(columns="place").reset_index(drop=True),
        pd.concat(shares, ignore_index=True)[["arm", "group", "split", "share"]],
    )


def feature_shares(values: pd.DataFrame) -> pd.DataFrame:
    """Compute the share of each feature (rows) in each split (columns) of one arm, patients alike.

    A feature that a split does not use has the share 0. In a split whose score depends on nothing
    every share is 0.
    """
    size = values["shap"].abs()
    by_patient = size.groupby([values["split"], values["patient"], values["feature"]]).mean()
    mean = by_patient.groupby(["split", "feature"]).mean().unstack("split").fillna(0.0)  # noqa: PD010
    total = mean.sum()
    return mean.div(total.where(total > 0, 1.0))


def additivity(values: pd.DataFrame) -> float:
    """Measure how far any lesion's SHAP values are from its score minus the base."""
    key = ["arm", "split", *lesion_key(values)]
    total = values.groupby(key).agg(shap=("shap", "sum"), base=("base", "first"),
                                    score=("score", "first"))  # fmt: skip
    return float((total["shap"] + total["base"] - total["score"]).abs().max())


def _leaders(features: pd.DataFrame, number: pd.Series) -> pd.Series:
    """Feature -> the member of its group with the largest mean share; of equals the first."""
    mean = features.mean(axis=1).reindex(number.index).fillna(0.0)
    order = mean.sort_index().sort_values(ascending=False, kind="stable").index
    first = pd.Series(order, index=number.loc[order].to_numpy())
    first = first[~first.index.duplicated()]
    return number.map(first)


def _direction(values: pd.DataFrame, feature: str, task: Task) -> str:
    """The class that higher values speak for; "" where the sign of the rank correlation is none."""
    rows = values[values["feature"] == feature].dropna(subset="value")
    if len(rows) < 3 or rows["value"].nunique() < 2 or rows["shap"].nunique() < 2:
        return ""
    rho = stats.spearmanr(rows["value"], rows["shap"]).statistic
    if np.sign(rho) == 0:
        return ""
    negatives = [name for name in task.classes if name != task.positive]
    return task.positive if rho > 0 else " or ".join(negatives)
