"""Checklists of reporting and quality, answered item by item from the files of the run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# importing these modules registers their proofs
from livermets.manuscript import (
    cohort_proofs,
    image_proofs,
    model_proofs,
    result_proofs,
    review_proofs,
)
from livermets.manuscript.proof import PROOFS, Proof
from livermets.manuscript.run_files import RunFiles
from livermets.study.names import DENSENET

PROOF_MODULES = (cohort_proofs, image_proofs, model_proofs, result_proofs, review_proofs)
FOLDER = Path(__file__).parents[3] / "resources" / "checklists"
NAMES = ("clear", "metrics", "tripod_ai", "claim")  # files of the folder, in the order of the page
YES, NO, AUTHORS, NO_PROOF, NOT_APPLICABLE = (
    *("yes", "no", "for the authors", "no proof", "not applicable"),
)
FROM_TABLE = "the study started from a feature table"


@dataclass(frozen=True)
class Answer:
    """An item of a checklist with its answer.

    Parameters
    ----------
    checklist : str
        Title of the checklist.
    item : str
        Number of the item in the checklist.
    section : str
        Where it stands in the checklist.
    text : str
        The item in a few words of our own.
    answer : str
        yes, no, for the authors, no proof or not applicable.
    file : str
        The file below the results that shows it; "" for the configuration, or where none does.
    value : str
        What the file says, or which file is missing.
    authors : str
        What a person must say, whatever the answer; "" for nothing.
    weight : float
        Weight of the item, where the checklist has weights.
    """

    checklist: str
    item: str
    section: str
    text: str
    answer: str
    file: str = ""
    value: str = ""
    authors: str = ""
    weight: float = 0.0


@dataclass(frozen=True)
class Checklist:
    """A checklist that is filled in.

    Parameters
    ----------
    title : str
        Its name.
    doi : str
        The paper it is from.
    answers : tuple of Answer
        Its items.
    """

    title: str
    doi: str
    answers: tuple[Answer, ...]

    def count(self, answer: str) -> int:
        """Count the items with this answer."""
        return sum(item.answer == answer for item in self.answers)


def fill_checklists(run: RunFiles) -> list[Checklist]:
    """Fill in all checklists from the files of a run."""
    return [fill_checklist(name, run) for name in NAMES]


def fill_checklist(name: str, run: RunFiles) -> Checklist:
    """Fill in one checklist.

    Parameters
    ----------
    name : str
        Name of its file without the ending, one of `NAMES`.
    run : RunFiles
        The results and the configuration.
    """
    content = read_checklist(name)
    answers = tuple(answer_item(content["title"], item, run) for item in content["items"])
    return Checklist(content["title"], content["doi"], answers)


def read_checklist(name: str) -> dict[str, Any]:
    """Read a checklist as its file has it: title, doi and items."""
    content: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return content


def answer_item(title: str, item: dict[str, Any], run: RunFiles) -> Answer:
    """Answer one item: "yes" only where a file of the run proves it.

    Parameters
    ----------
    title : str
        Title of the checklist.
    item : dict
        item, section, text, and where it has them proof, authors, weight and applies.
    run : RunFiles
        The results and the configuration.
    """
    answer, proof = _judge(item, run)
    return Answer(
        title,
        item["item"],
        item["section"],
        item["text"],
        answer,
        proof.file,
        proof.value,
        item.get("authors", "") if answer != NOT_APPLICABLE else "",
        item.get("weight", 0.0),
    )


def _judge(item: dict[str, Any], run: RunFiles) -> tuple[str, Proof]:
    """The answer and what it rests on."""
    if "applies" in item and not CONDITIONS[item["applies"]](run):
        return NOT_APPLICABLE, Proof("", "")
    if "proof" not in item:
        return AUTHORS, Proof("", "")
    prover = PROOFS[item["proof"]]
    if prover.of_images and not run.from_images:
        return AUTHORS, Proof("", FROM_TABLE)
    if missing := prover.missing(run):
        return NO_PROOF, Proof("", f"results/{missing} is not there")
    proof = prover.look(run)
    if proof.met is None:
        return AUTHORS, proof
    return (YES if proof.met else NO), proof


def _automatic(run: RunFiles) -> bool:
    """Whether a model made masks that were used as they are."""
    masks = run.records("masks").values()
    return run.from_images and any(mask["source"] == "automatic" for mask in masks)


def _deep_learning(run: RunFiles) -> bool:
    """Whether a network learned from the images."""
    metrics = run.metrics
    return metrics is not None and bool(metrics["arm"].str.startswith(DENSENET).any())


CONDITIONS: dict[str, Callable[[RunFiles], bool]] = {
    "automatic": _automatic,
    "deep_learning": _deep_learning,
}  # what METRICS asks before an item counts


def metrics_score(checklist: Checklist) -> dict[str, float]:
    """Compute the subtotal of METRICS that a run has earned.

    As in its calculator, the weights of the items with yes are divided by those of all items that
    apply.

    Parameters
    ----------
    checklist : Checklist
        METRICS, filled in.

    Returns
    -------
    dict of str to float
        Percent by answer: earned (yes), no, for_authors and no_proof; together 100.
    """
    applied = [item for item in checklist.answers if item.answer != NOT_APPLICABLE]
    whole = sum(item.weight for item in applied)
    names = {YES: "earned", NO: "no", AUTHORS: "for_authors", NO_PROOF: "no_proof"}
    return {
        name: round(100 * sum(i.weight for i in applied if i.answer == answer) / whole, 1)
        for answer, name in names.items()
    }
