"""Main splits: those of the scheme that the report puts first."""

from collections.abc import Iterable

from livermets.evaluation.paired_differences import PRIMARY_SCHEME
from livermets.study.schemes import scheme_of, schemes_of


def main_splits(splits: Iterable[str]) -> list[str]:
    """List the splits of the cross-validation; without one those of the first scheme.

    >>> main_splits(["holdout", "cv1-fold1", "cv1-fold2"])
    ['cv1-fold1', 'cv1-fold2']
    """
    names = list(splits)
    schemes = schemes_of(names)
    scheme = PRIMARY_SCHEME if PRIMARY_SCHEME in schemes else schemes[0]
    return [name for name in names if scheme_of(name)[0] == scheme]
