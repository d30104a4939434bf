"""Proofs: what the files of a run show about an item of a checklist.

A proof is a function of the run. `proves` registers it under its name, with the files without which
it shows nothing; the checklists name it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from livermets.manuscript.run_files import RunFiles

CONFIG = ""  # in place of a file: the configuration of the run
OF_IMAGES = ("ct/", "masks/", "lesions/", "radiomics_dictionary.tsv", "agreement.tsv", "review/")


@dataclass(frozen=True)
class Proof:
    """What a file of the run shows.

    Parameters
    ----------
    file : str
        The file below the results; "" for the configuration.
    value : str
        What it says.
    met : bool or None
        Whether this meets the item; None where it does not decide, so that a person must.
    """

    file: str
    value: str
    met: bool | None = True


@dataclass(frozen=True)
class Prover:
    """A function that looks for a proof, and what it needs.

    Parameters
    ----------
    needs : tuple of str
        Files below the results, also as patterns such as `ct/*.json`.
    look : callable
        Returns the proof.
    """

    needs: tuple[str, ...]
    look: Callable[[RunFiles], Proof]

    @property
    def of_images(self) -> bool:
        """Whether it needs what only a study of images has."""
        return any(need.startswith(OF_IMAGES) for need in self.needs)

    def missing(self, run: RunFiles) -> str:
        """Name the first file that it needs and the results lack; "" where all are there."""
        return next((need for need in self.needs if not run.names(need)), "")


PROOFS: dict[str, Prover] = {}


def proves(*needs: str) -> Callable[[Callable[[RunFiles], Proof]], Callable[[RunFiles], Proof]]:
    """Register a function as the proof of its name.

    Parameters
    ----------
    *needs : str
        Files below the results without which it shows nothing.
    """

    def register(look: Callable[[RunFiles], Proof]) -> Callable[[RunFiles], Proof]:
        PROOFS[look.__name__] = Prover(needs, look)
        return look

    return register
