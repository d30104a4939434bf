"""Task: the classes that a study tells apart, and which of them the score stands for."""

from collections.abc import Sequence
from dataclasses import dataclass


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
        """Place of the positive class among the classes, from 0."""
        return list(self.classes).index(self.positive)
