"""Who trains, who validates, who is tested: always whole patients, every class on every side.

Everything is dealt from a table of patients (one row each), so no lesion count can upset the
balance of a fold (scikit-learn's StratifiedGroupKFold can leave a fold with one class, #33085).
The order in which patients are dealt is that of a hash of the seed and their id: the same on
every machine and in whatever order the table comes.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from livermets.core.errors import BadInput
from livermets.core.seeds import derive
from livermets.study.schemes import cv_name, site_name

ROLES = ("train", "validation", "test")
Groups = dict[str, list[str]]  # the patients of each class


def divide(
    patients: pd.DataFrame,
    holdout: dict | None,
    cv: dict | None,
    seed: int,
    given: bool = False,
    site: dict | None = None,
) -> pd.DataFrame:
    """Divide patients by every scheme that is asked for.

    Parameters
    ----------
    patients : one row per patient with `patient` and `label`, and `split` or `site` where they
        are used; other columns are ignored
    holdout : `test_per_class` patients of each class are tested, `validation` in total of the rest
    cv : repeated stratified K-fold cross-validation: `folds`, `repeats` (1), `validation` patients
        in total drawn from each training part
    seed : the study's seed
    given : take each patient's role from the column `split`
    site : train here, test there, by the column `site`: `test` is a list of sites, tested together
        in one split, or "each" for every site in turn; `validation` patients in total of the rest

    Returns
    -------
    table split, patient, role (train, validation or test): every patient once in every split.
    Classifiers train on train + validation; DenseNet stops early by the validation patients.

    Raises BadInput where a class has too few patients, naming the class and the key to lower.
    """
    groups = _by_class(patients)
    parts = []
    if holdout:
        wanted, key = holdout["test_per_class"], "splits.holdout.test_per_class"
        _require(groups, wanted + 2, key, f"{wanted} to test, 2 to train")
        test = [p for ids in groups.values() for p in _shuffled(ids, seed, "holdout")[:wanted]]
        parts.append(_split("holdout", groups, test, holdout, "splits.holdout", seed))
    if cv:
        folds, key = cv["folds"], "splits.cv.folds"
        if folds < 2:
            raise BadInput(f"{key} is {folds}: give 2 or more, or `cv: null` to go without.")
        # two patients to train in every fold, so that inner folds can hold every class
        _require(groups, max(folds, 4 if folds == 2 else 3), key, "in each fold 1 to test")
        for repeat in range(1, cv.get("repeats", 1) + 1):
            for fold, test in enumerate(deal(groups, folds, seed, "cv", repeat), start=1):
                parts.append(_split(cv_name(repeat, fold), groups, test, cv, "splits.cv", seed))
    if given:
        parts.append(_given(patients, groups))
    if site:
        for name, test in _by_site(patients, site["test"]).items():
            _require_both_sides(name, groups, test, "splits.site")
            parts.append(_split(name, groups, test, site, "splits.site", seed))
    if not parts:
        raise BadInput("splits names none of holdout, cv, given and site: give at least one.")
    return pd.concat(parts, ignore_index=True)


def check_names(splits: pd.DataFrame, expected: Sequence[str]) -> None:
    """Refuse a division that lacks a split the workflow has planned for."""
    lost = [name for name in expected if name not in set(splits["split"])]
    if lost:
        raise BadInput(
            f"no included patient is left to test in the split {lost[0]}: take that site's patients"
            " out of the cohort sheet, or find out why they were excluded (results/cohort.tsv)."
        )


def deal(groups: Groups, folds: int, *purpose: object) -> list[list[str]]:
    """Deal the patients of each class over folds in turn: sizes differ by one at most."""
    line = [patient for ids in groups.values() for patient in _shuffled(ids, *purpose)]
    return [line[start::folds] for start in range(folds)]


def grouped_folds(
    patients: npt.ArrayLike, labels: npt.ArrayLike, folds: int, *purpose: object
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Row numbers (train, test) of inner folds over patients, with every class on both sides.

    patients, labels : of each row. There are fewer folds where a class has fewer patients, and
    none (an empty list) where a class has a single patient.
    """
    rows = pd.DataFrame({"patient": np.asarray(patients), "label": np.asarray(labels)})
    groups = _by_class(rows.drop_duplicates())
    folds = min(folds, *(len(ids) for ids in groups.values()))
    if folds < 2:
        return []
    tests = (rows["patient"].isin(fold).to_numpy() for fold in deal(groups, folds, *purpose))
    return [(np.flatnonzero(~test), np.flatnonzero(test)) for test in tests]


def _by_class(patients: pd.DataFrame) -> Groups:
    """The patients of each class, both sorted; refuses what no split can be made of."""
    missing = patients.loc[patients["label"].isna(), "patient"]
    if len(missing):
        raise BadInput(f"patient {missing.iloc[0]} has no label: give one, or leave them out.")
    twice = patients.loc[patients["patient"].duplicated(), "patient"]
    if len(twice):
        raise BadInput(
            f"patient {twice.iloc[0]} is in the table of patients twice (perhaps with two labels):"
            " keep one row and one label for each patient."
        )
    groups = {label: sorted(ids) for label, ids in patients.groupby("label")["patient"]}
    if len(groups) < 2:
        only = next(iter(groups), "no patient at all")
        raise BadInput(f"all patients are of one class ({only}): give patients of another, too.")
    return groups


def _shuffled(patients: list[str], *purpose: object) -> list[str]:
    return sorted(patients, key=lambda patient: (derive(*purpose, patient), patient))


def _require(groups: Groups, need: int, key: str, why: str) -> None:
    for label, ids in groups.items():
        if len(ids) < need:
            raise BadInput(
                f"class {label} has {len(ids)} patients and {key} needs {need} of each class"
                f" ({why}): lower {key} or add patients."
            )


def _given(patients: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """The split that the sheet gives, by patient."""
    column = _column(patients, "split", "splits.given", "one of train, validation and test")
    odd = column[~column.isin(ROLES)]
    if len(odd):
        raise BadInput(
            f"patient {odd.index[0]} has {odd.iloc[0]!r} in the column split: write train,"
            " validation or test."
        )
    _require_both_sides("given", groups, list(column.index[column == "test"]), "column split")
    return _table("given", column.to_dict())


def _by_site(patients: pd.DataFrame, tested: Sequence[str] | str) -> dict[str, list[str]]:
    """The test patients of each split by site."""
    column = _column(patients, "site", "splits.site", "where the patient was scanned")
    sites = {site: list(ids) for site, ids in column.groupby(column).groups.items()}
    if tested == "each":
        return {site_name(site): ids for site, ids in sites.items()}
    absent = [site for site in tested if site not in sites]
    if absent:
        raise BadInput(
            f"splits.site.test names {absent[0]}, where no included patient was scanned: give some"
            f" of {', '.join(sites)}."
        )
    return {"external": [patient for site in tested for patient in sites[site]]}


def _column(patients: pd.DataFrame, name: str, key: str, what: str) -> pd.Series:
    """A column of the sheet by patient, as text; refuses empty cells."""
    if name not in patients:
        raise BadInput(f"{key} needs the column {name} in the cohort sheet: add it.")
    column = patients.set_index("patient")[name].sort_index()
    empty = column[column.isna() | column.astype(str).str.strip().eq("")]
    if len(empty):
        raise BadInput(
            f"patient {empty.index[0]} has an empty cell in the column {name}, which {key} needs:"
            f" write {what}."
        )
    return column.astype(str)


def _require_both_sides(name: str, groups: Groups, test: list[str], key: str) -> None:
    """One patient of each class to test and two to train, where a person drew the line."""
    for label, ids in groups.items():
        tested = len(set(ids) & set(test))
        for there, need, role in ((tested, 1, "test"), (len(ids) - tested, 2, "train")):
            if there < need:
                raise BadInput(
                    f"split {name} has {there} patients of class {label} to {role} and needs {need}"
                    f" or more: divide them otherwise ({key}), or add patients."
                )


def _split(
    name: str, groups: Groups, test: list[str], scheme: dict, key: str, seed: int
) -> pd.DataFrame:
    """One split's table; validation patients are drawn from those who are not tested."""
    rest = {
        label: _shuffled([p for p in ids if p not in test], seed, name, "validation")
        for label, ids in groups.items()
    }
    taken = _allot(name, rest, scheme["validation"], f"{key}.validation")
    drawn = [p for label, ids in rest.items() for p in ids[: taken[label]]]
    roles = {p: "train" for ids in rest.values() for p in ids}
    roles |= dict.fromkeys(drawn, "validation") | dict.fromkeys(test, "test")
    for role, members in (("train", set(roles) - {*drawn, *test}), ("test", set(test))):
        for label, ids in groups.items():
            assert members & set(ids), f"{name}: no {label} patient in {role}"
    return _table(name, roles)


def _table(name: str, roles: dict[str, str]) -> pd.DataFrame:
    everyone = sorted(roles)
    return pd.DataFrame({"split": name, "patient": everyone, "role": [roles[p] for p in everyone]})


def _allot(name: str, rest: Groups, validation: int, key: str) -> dict[str, int]:
    """How many patients of each class validate: evenly, and one of each class stays to train."""
    taken = dict.fromkeys(rest, 0)
    for _ in range(validation):
        spare = {label: len(rest[label]) - taken[label] for label in rest}
        able = [label for label in rest if spare[label] > 1]
        if not able:
            raise BadInput(
                f"{name} has {sum(map(len, rest.values()))} patients who are not tested; {key}"
                f" wants {validation} of them and each class needs one to train:"
                f" lower {key} or add patients of class {min(spare, key=lambda c: len(rest[c]))}."
            )
        # the class with the fewest so far; of those, the one that can best spare a patient
        taken[min(able, key=lambda label: (taken[label], -spare[label]))] += 1
    return taken
