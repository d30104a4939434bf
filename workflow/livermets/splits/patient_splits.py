"""Splits: which patients train, validate and test; always whole patients.

Each class is in each role, with one exception: where sites are tested in turn, a site may have
patients of one class only (`livermets.splits.sites` says so in the report).

The draws are those of `livermets.splits.folds`: the same on every machine.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from livermets.core.errors import BadInput
from livermets.splits.folds import (
    Groups,
    patients_by_label,
    shuffled,
    stratified_folds,
    with_class,
)
from livermets.study.schemes import MIN_TO_TRAIN, cv_name, site_name, sites_to_test

ROLES = ("train", "validation", "test")


def split_patients(
    patients: pd.DataFrame,
    holdout: dict[str, Any] | None,
    cv: dict[str, Any] | None,
    seed: int,
    given: bool = False,
    site: dict[str, Any] | None = None,
) -> pd.DataFrame:
    """Split patients by every scheme of the configuration.

    Parameters
    ----------
    patients : data frame
        One row per patient: patient, label, and `split` or `site` where they are used. The label
        of a patient with lesions of several classes names them all (`study.patient_labels`).
    holdout : dict or None
        `test_per_class` patients of each class are tested; `validation` of the others, in total.
    cv : dict or None
        Repeated stratified K-fold cross-validation: `folds`, `repeats` (1), and `validation`
        patients in total from each training part.
    seed : int
        The study's seed.
    given : bool
        Whether each patient's role is taken from the column `split`.
    site : dict or None
        Test by the column `site`: `test` is a list of sites, tested together in one split, or
        "each" for every site in turn that leaves two patients of each class to train;
        `validation` patients in total of the others.

    Returns
    -------
    data frame
        Columns split, patient, role (train, validation or test): every patient once in every
        split. Classifiers train on train and validation; DenseNet stops by the validation patients.

    Raises
    ------
    BadInput
        A class has too few patients; the message names the class and the key to lower.
    """
    strata = patients_by_label(patients)
    groups = with_class(strata)
    parts = []
    if holdout:
        tested, key = holdout["test_per_class"], "splits.holdout.test_per_class"
        _require(groups, tested + 2, key, f"{tested} to test, 2 to train")
        test = _tested_of_each(groups, tested, seed)
        parts.append(_split("holdout", strata, test, holdout, "splits.holdout", seed))
    if cv:
        folds, key = cv["folds"], "splits.cv.folds"
        if folds < 2:
            raise BadInput(f"{key} is {folds}: give 2 or more, or `cv: null` to go without.")
        # two patients to train in every fold, so that inner folds can hold every class
        _require(groups, max(folds, 4 if folds == 2 else 3), key, "in each fold 1 to test")
        for repeat in range(1, cv.get("repeats", 1) + 1):
            tests = stratified_folds(strata, folds, seed, "cv", repeat)
            for fold, test in enumerate(tests, start=1):
                parts.append(_split(cv_name(repeat, fold), strata, test, cv, "splits.cv", seed))
    if given:
        parts.append(_given(patients, groups))
    if site:
        for name, test in _by_site(patients, site["test"]).items():
            if site["test"] != "each":
                _require_both_sides(name, groups, test, "splits.site")
            parts.append(_split(name, strata, test, site, "splits.site", seed))
    if not parts:
        raise BadInput("splits names none of holdout, cv, given and site: give at least one.")
    return pd.concat(parts, ignore_index=True)


def check_split_names(splits: pd.DataFrame, planned: Sequence[str]) -> None:
    """Refuse a table that lacks a split of the planned workflow."""
    missing = [name for name in planned if name not in set(splits["split"])]
    if missing:
        raise BadInput(
            f"no included patient is left to test in the split {missing[0]}, or fewer than"
            f" {MIN_TO_TRAIN} of a class to train: take that site's patients out of the cohort"
            " sheet, or find out why patients were excluded (results/cohort.tsv)."
        )


def _require(groups: Groups, need: int, key: str, reason: str) -> None:
    """Refuse classes with fewer patients than a scheme needs."""
    for label, ids in groups.items():
        if len(ids) < need:
            raise BadInput(
                f"class {label} has {len(ids)} patients and {key} needs {need} of each class"
                f" ({reason}): lower {key} or add patients."
            )


def _tested_of_each(groups: Groups, number: int, seed: int) -> list[str]:
    """Draw the test patients of the hold-out: so many of each class.

    One who has several classes counts for each.
    """
    test: list[str] = []
    for ids in groups.values():
        missing = max(number - len(set(ids) & set(test)), 0)
        test += shuffled([p for p in ids if p not in test], seed, "holdout")[:missing]
    return test


def _given(patients: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """The split that the cohort sheet gives."""
    column = _column(patients, "split", "splits.given", "one of train, validation and test")
    invalid = column[~column.isin(ROLES)]
    if len(invalid):
        raise BadInput(
            f"patient {invalid.index[0]} has {invalid.iloc[0]!r} in the column split: write train,"
            " validation or test."
        )
    _require_both_sides("given", groups, list(column.index[column == "test"]), "column split")
    return _table("given", {str(patient): role for patient, role in column.items()})


def _by_site(patients: pd.DataFrame, tested: Sequence[str] | str) -> dict[str, list[str]]:
    """The test patients of each split by site."""
    column = _column(patients, "site", "splits.site", "where the patient was scanned")
    names = sorted(column.unique())
    sites = {site: list(column.index[column == site]) for site in names}
    if tested == "each":
        labels = patients.set_index("patient")["label"]
        testable = sites_to_test(zip(column, labels[column.index], strict=True))
        if not testable:
            raise BadInput(
                "splits.site: no site can be tested in turn, because without its patients a class"
                f" has fewer than {MIN_TO_TRAIN} patients to train: add patients, or set"
                " splits.site to null."
            )
        return {site_name(site): sites[site] for site in testable}
    absent = [site for site in tested if site not in sites]
    if absent:
        raise BadInput(
            f"splits.site.test names {absent[0]}, where no included patient was scanned: give some"
            f" of {', '.join(sites)}."
        )
    return {"external": [patient for site in tested for patient in sites[site]]}


def _column(patients: pd.DataFrame, name: str, key: str, content: str) -> pd.Series:
    """A column of the sheet by patient, as text; refuses empty cells."""
    if name not in patients:
        raise BadInput(f"{key} needs the column {name} in the cohort sheet: add it.")
    column = patients.set_index("patient")[name].sort_index()
    empty = column[column.isna() | column.astype(str).str.strip().eq("")]
    if len(empty):
        raise BadInput(
            f"patient {empty.index[0]} has an empty cell in the column {name}, which {key} needs:"
            f" write {content}."
        )
    return column.astype(str)


def _require_both_sides(name: str, groups: Groups, test: list[str], key: str) -> None:
    """Refuse a given split without one patient of each class to test and two to train."""
    for label, ids in groups.items():
        tested = len(set(ids) & set(test))
        left = len(ids) - tested
        for count, need, role in ((tested, 1, "test"), (left, MIN_TO_TRAIN, "train")):
            if count < need:
                raise BadInput(
                    f"split {name} has {count} patients of class {label} to {role} and needs {need}"
                    f" or more: choose another test part ({key}), or add patients."
                )


def _split(
    name: str, strata: Groups, test: list[str], scheme: dict, key: str, seed: int
) -> pd.DataFrame:
    """The table of one split; validation patients are drawn from those who are not tested."""
    remaining = {
        label: shuffled([p for p in ids if p not in test], seed, name, "validation")
        for label, ids in strata.items()
    }
    quota = _validation_quota(name, remaining, scheme["validation"], f"{key}.validation")
    validation = [p for label, ids in remaining.items() for p in ids[: quota[label]]]
    roles = {p: "train" for ids in remaining.values() for p in ids}
    roles |= dict.fromkeys(validation, "validation") | dict.fromkeys(test, "test")
    trained = {p for p, role in roles.items() if role == "train"}
    for label, ids in with_class(strata).items():
        if not trained & set(ids):
            raise BadInput(
                f"{name}: no patient with a lesion of class {label} is left to train: add patients"
                f" of that class, or test and validate fewer ({key})."
            )
    return _table(name, roles)


def _table(name: str, roles: dict[str, str]) -> pd.DataFrame:
    patients = sorted(roles)
    return pd.DataFrame({"split": name, "patient": patients, "role": [roles[p] for p in patients]})


def _validation_quota(name: str, remaining: Groups, validation: int, key: str) -> dict[str, int]:
    """Number of validation patients of each class: as even as possible, leaving one to train."""
    quota = dict.fromkeys(remaining, 0)
    for _ in range(validation):
        to_train = {label: len(ids) - quota[label] for label, ids in remaining.items()}
        available = [label for label in remaining if to_train[label] > 1]
        if not available:
            smallest = min(to_train, key=lambda label: len(remaining[label]))
            raise BadInput(
                f"{name} has {sum(map(len, remaining.values()))} patients who are not tested; {key}"
                f" wants {validation} of them and each class needs one to train:"
                f" lower {key} or add patients of class {smallest}."
            )
        # the class with the fewest so far; of equals, the one with the most patients left to train
        quota[min(available, key=lambda label: (quota[label], -to_train[label]))] += 1
    return quota
