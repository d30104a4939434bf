"""Fusion: the arms that join radiomics with DenseNet-121 or with embeddings of other networks.

`fusion.stacking` and `fusion.embeddings_beside_radiomics` join radiomics and DenseNet-121;
`embeddings` is a table of other networks, whose columns are a feature set.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from livermets.core.errors import BadInput

FUSIONS = {"stacking": "stacking", "embeddings_beside_radiomics": "embeddings"}  # key -> method
FUSION_TITLES = {
    "stacking": "Radiomics and DenseNet-121, stacked scores",
    "embeddings": "Radiomics with DenseNet-121's embeddings",
}  # method -> title
INNER = "-inner"


def fusion_arm(method: str) -> str:
    """Name of the arm that joins radiomics and DenseNet-121 by this method.

    >>> fusion_arm("stacking")
    'fusion_stacking'
    """
    return f"fusion_{method}"


def fusion_arms(config: Mapping[str, Any], deep_learning: bool, radiomics: str | None) -> list[str]:
    """Name the arms that `fusion` of the configuration asks for.

    Parameters
    ----------
    config : mapping
        The whole configuration.
    deep_learning : bool
        Whether the study trains DenseNet-121.
    radiomics : str or None
        The one arm that stands for radiomics; None where the study has none, or several.

    Returns
    -------
    list of str
        Names, the stacking first.

    Raises
    ------
    BadInput
        The study trains no DenseNet-121, or has not one radiomics arm.
    """
    asked = [key for key in FUSIONS if config["fusion"][key]]
    if asked and not deep_learning:
        raise BadInput(
            f"config: `fusion.{asked[0]}` needs DenseNet-121, which this study does not train; "
            "give images and `densenet`, or set it to false."
        )
    if asked and radiomics is None:
        raise BadInput(
            f"config: `fusion.{asked[0]}` joins DenseNet-121 with one radiomics arm; set "
            "`classification.tuning.iterations` to 1 or more, so that one of the classifiers is "
            "selected, or name a single one in `classification.models`, with one resampling."
        )
    return [fusion_arm(FUSIONS[key]) for key in asked]


def inner_split(split: str, fold: int) -> str:
    """Name of an inner fold, counted from 1, of the training patients of a split.

    >>> inner_split("cv1-fold2", 3)
    'cv1-fold2-inner3'
    """
    return f"{split}{INNER}{fold}"


def outer_split(inner: str) -> str:
    """Name of the split whose training patients an inner fold divides.

    >>> outer_split("cv1-fold2-inner3")
    'cv1-fold2'
    """
    return inner.rpartition(INNER)[0]


def inner_splits(splits: Sequence[str], folds: int) -> list[str]:
    """Names of all inner folds of these splits."""
    return [inner_split(split, fold) for split in splits for fold in range(1, folds + 1)]
