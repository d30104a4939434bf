"""Pooling: the names of its arms, and which of them a configuration asks for.

Slices are pooled to a lesion's score (`pooling.lesion`) and lesions to a patient's score
(`pooling.patient`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from livermets.core.errors import BadInput
from livermets.study.names import DENSENET, RADIOMICS

LESION_POOLING = {
    "max": "highest slice",
    "topk": "highest slices",
    "attention": "attention over slices",
}  # name -> title; the mean of a lesion's slices is the arm `densenet121` itself
ATTENTION = "attention"
PATIENT_POOLING = {
    "volume": "lesions weighted by volume",
    "largest": "largest lesion",
    "largest3": "three largest lesions",
    ATTENTION: "attention over lesions",
}  # name -> title; the mean of a patient's lesions is every arm without one of these


def slice_arm(pooling: str) -> str:
    """Name of the arm of DenseNet-121 whose lesion score is pooled over slices in this way.

    >>> slice_arm("max")
    'densenet121_max'
    """
    return f"{DENSENET}_{pooling}"


def pooled_arms(ways: Iterable[str], arms: Iterable[str]) -> list[str]:
    """Name the arms that pool a patient's lesions in these ways, from the arms that are pooled.

    Attention learns from the lesions' features, not from their scores: there is one such arm for
    radiomics, whichever classifiers are pooled, and one for DenseNet-121.

    >>> pooled_arms(["largest", "attention"], ["selected", "knn-none", "densenet121_max"])
    ['selected~largest', 'knn-none~largest', 'densenet121_max~largest', 'radiomics~attention']
    >>> pooled_arms(["attention"], ["densenet121"])
    ['densenet121~attention']
    """
    ways, arms = list(ways), list(arms)
    pooled = [f"{arm}~{way}" for way in ways if way != ATTENTION for arm in arms]
    if ATTENTION in ways:
        sources = [DENSENET if arm == DENSENET else RADIOMICS for arm in arms]
        sources = [
            source
            for source, arm in zip(sources, arms, strict=True)
            if not arm.startswith(slice_arm(""))
        ]
        pooled += [f"{source}~{ATTENTION}" for source in dict.fromkeys(sources)]
    return pooled


def refuse_without_network(config: Mapping[str, Any], deep_learning: bool) -> None:
    """Refuse pooling over slices in a study that trains no DenseNet-121."""
    if config["pooling"]["lesion"] and not deep_learning:
        raise BadInput(
            "config: `pooling.lesion` needs DenseNet-121, which this study does not train; "
            "give images and `densenet`, or leave the key out."
        )
