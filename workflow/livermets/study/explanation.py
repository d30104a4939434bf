"""Explanation: which arms are explained, and whose patients are scored without each lesion."""

from collections.abc import Sequence

from livermets.core.errors import BadInput
from livermets.study.arms import SELECTED, Arm
from livermets.study.names import DENSENET
from livermets.study.pooling import ATTENTION


def shap_arms(
    named: Sequence[str] | None, arms: Sequence[str], classifiers: Sequence[str]
) -> list[str]:
    """List the radiomics arms that are explained by SHAP.

    Parameters
    ----------
    named : sequence of str or None
        `explanation.arms` of the configuration.
    arms : sequence of str
        All arms of the study.
    classifiers : sequence of str
        The classifiers among them, with every way of resampling.

    Returns
    -------
    list of str
        The arms, in the order in which they are named.

    Raises
    ------
    BadInput
        An arm is none of the study's classifiers.
    """
    possible = [*classifiers, *(arm for arm in arms if arm == SELECTED)]
    if named is None:
        return [SELECTED] if SELECTED in possible else list(classifiers)
    for arm in named:
        if arm not in possible:
            raise BadInput(
                f"config: `explanation.arms` names {arm!r}, which is no radiomics classifier of "
                f"this study; name some of {', '.join(possible)}."
            )
    return list(named)


def lesion_arms(explained: Sequence[str], arms: Sequence[str]) -> list[str]:
    """List the arms whose patients are scored without each lesion in turn.

    They are the explained arms and DenseNet-121, by the mean of the lesions and, where the study
    has such arms, by volume or by the largest lesions.

    >>> lesion_arms(["selected"], ["knn-none", "selected", "densenet121", "selected~largest"])
    ['selected', 'densenet121', 'selected~largest']
    """
    sources = [*explained, DENSENET]
    return [
        arm
        for arm in arms
        if str(Arm.parse(arm).by_mean) in sources and Arm.parse(arm).pooling != ATTENTION
    ]
