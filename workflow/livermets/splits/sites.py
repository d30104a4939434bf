"""Sites: how many patients of each class were scanned where, and what that allows."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from livermets.study.schemes import MIN_TO_TRAIN, site_name, sites_to_test


def site_table(patients: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Count the patients of each class at each site, for a study that tests sites in turn.

    Parameters
    ----------
    patients : data frame
        One row per included patient: patient, label and site.
    classes : sequence of str
        Class names.

    Returns
    -------
    data frame
        One row per site, sorted: site; the number of patients of each class; split, the name of
        the split in which the site is tested, or empty; note, why it is not tested or has no AUC of
        its own, or empty.
    """
    site = patients["site"].astype(str)
    counts = pd.crosstab(site, patients["label"]).reindex(columns=list(classes), fill_value=0)
    tested = set(sites_to_test(zip(site, patients["label"], strict=True)))
    rows = []
    for name, here in counts.sort_index().iterrows():
        left = counts.drop(index=name).sum()
        rows.append(
            {
                "site": name,
                **here.to_dict(),
                "split": site_name(str(name)) if name in tested else "",
                "note": _note(here, left, name in tested),
            }
        )
    return pd.DataFrame(rows)


def _note(here: pd.Series, left: pd.Series, tested: bool) -> str:
    """Say what a site's mix of classes does not allow; or empty."""
    if not tested:
        rare = left[left < MIN_TO_TRAIN].index[0]
        return (
            f"not tested: without it, {left[rare]} of class {rare} are left to train, and"
            f" {MIN_TO_TRAIN} are needed; it trains for all other sites"
        )
    present = list(here[here > 0].index)
    if len(present) > 1:
        return ""
    return (
        f"all patients are of class {present[0]}: they are tested and train for the other sites,"
        " but a site of one class has no AUC of its own"
    )


def split_notes(patients: pd.DataFrame, site: Mapping[str, Any] | None) -> list[str]:
    """Say, for a log, which sites are not tested or have no AUC of their own.

    Parameters
    ----------
    patients : data frame
        As in `site_table`.
    site : mapping or None
        `splits.site` of the configuration.

    Returns
    -------
    list of str
        One sentence for each such site; none where sites are not tested in turn.
    """
    if not sites_in_turn(site):
        return []
    table = site_table(patients, sorted(patients["label"].unique()))
    return [f"site {row.site}: {row.note}" for row in table[table["note"] != ""].itertuples()]


def sites_in_turn(site: Mapping[str, Any] | None) -> bool:
    """Whether `splits.site` of the configuration tests every site in turn."""
    return site is not None and site["test"] == "each"
