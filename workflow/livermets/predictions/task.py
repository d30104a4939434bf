"""Task: the classes that a study tells apart, and which of them the score stands for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from livermets.core.errors import BadInput


@dataclass(frozen=True)
class Task:
    """The classes of a study and the positive one, as every model needs them.

    Parameters
    ----------
    classes : sequence of str
        Class names, in the order of the configuration.
    positive : str
        The class whose probability is the score.
    """

    classes: Sequence[str]
    positive: str

    @property
    def binary(self) -> bool:
        """Whether there are two classes."""
        return len(self.classes) == 2

    @property
    def positive_number(self) -> int:
        """Number of the positive class among the classes, from 0."""
        return list(self.classes).index(self.positive)


def require_every_class(
    numbers: Iterable[int], classes: Sequence[str], split: str, unit: str, remedy: str
) -> None:
    """Refuse a split whose training rows lack a class.

    Parameters
    ----------
    numbers : iterable of int
        Number of each training row's class: its place in `classes`.
    classes : sequence of str
        Class names.
    split : str
        Name of the split.
    unit : str
        What a training row is, such as "lesion".
    remedy : str
        What the user can do about it.

    Raises
    ------
    BadInput
        If a class has no training row.
    """
    present = set(numbers)
    for number, name in enumerate(classes):
        if number not in present:
            raise BadInput(f"{split}: no training patient of class {name} has a {unit}: {remedy}.")
