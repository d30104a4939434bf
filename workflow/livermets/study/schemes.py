"""Schemes: how a study divides its patients, and the names of the splits of each scheme."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

MIN_TO_TRAIN = 2  # patients of each class, so that inner folds can hold every class

TITLES = {
    "holdout": "Hold-out",
    "cv": "Cross-validation",
    "given": "Given split",
    "external": "External sites",
    "site": "Leave one site out",
}


def split_names(
    holdout: dict[str, Any] | None = None,
    cv: dict[str, Any] | None = None,
    given: bool = False,
    site: dict[str, Any] | None = None,
    sites: Iterable[str] = (),
) -> list[str]:
    """Names of a study's splits in their order, by the keys of `splits:` and the patients' `sites`.

    >>> split_names({"test_per_class": 4}, {"folds": 2, "repeats": 2})
    ['holdout', 'cv1-fold1', 'cv1-fold2', 'cv2-fold1', 'cv2-fold2']
    >>> split_names(given=True, site={"test": "each"}, sites=["B", "A", "B"])
    ['given', 'site-A', 'site-B']
    >>> split_names(site={"test": ["B"]}, sites=["A", "B"])
    ['external']
    """
    names = ["holdout"] if holdout else []
    if cv:
        names += [
            cv_name(repeat, fold)
            for repeat in range(1, cv.get("repeats", 1) + 1)
            for fold in range(1, cv["folds"] + 1)
        ]
    names += ["given"] * given
    if site:
        each = site["test"] == "each"
        names += [site_name(name) for name in sorted(set(sites))] if each else ["external"]
    return names


def sites_to_test(patients: Iterable[tuple[str, str]]) -> list[str]:
    """Sites that can be tested in turn, sorted, from the (site, class) of each patient.

    Without the patients of such a site, every class keeps the patients that training needs. A site
    may have patients of one class only; where it has nearly all of a class, it cannot be tested.

    >>> sites_to_test([*[("A", "x"), ("A", "y"), ("B", "x"), ("B", "y")] * 2, ("C", "x")])
    ['A', 'B', 'C']
    >>> sites_to_test([*[("A", "x"), ("A", "y"), ("B", "x")] * 2, ("C", "x")])
    ['B', 'C']
    """
    patients = list(patients)
    of_class = Counter(label for _, label in patients)
    at_site = Counter(patients)
    return [
        site
        for site in sorted({site for site, _ in patients})
        if all(n - at_site[site, label] >= MIN_TO_TRAIN for label, n in of_class.items())
    ]


def site_name(site: str) -> str:
    """Name of the split in which this site is tested and the others train."""
    return f"site-{site}"


def cv_name(repeat: int, fold: int) -> str:
    """Name of one fold of one repeat of the cross-validation, both counted from 1."""
    return f"cv{repeat}-fold{fold}"


def scheme_of(split: str) -> tuple[str, int]:
    """Scheme and repeat of a split; a split that belongs to no scheme is one of its own.

    Leaving one site out (site-A, site-B, ...) is one scheme: each patient is tested once.

    >>> scheme_of("cv2-fold1"), scheme_of("site-A"), scheme_of("holdout")
    (('cv', 2), ('site', 1), ('holdout', 1))
    """
    fold = re.fullmatch(r"cv(\d+)-fold\d+", split)
    if split.startswith("site-"):
        return "site", 1
    return ("cv", int(fold[1])) if fold else (split, 1)


def schemes_of(splits: Iterable[str]) -> list[str]:
    """The schemes of several splits, each once, in the order of the splits."""
    return list(dict.fromkeys(scheme_of(split)[0] for split in splits))


def scheme_title(scheme: str) -> str:
    """A scheme in words."""
    return TITLES.get(scheme, scheme)
