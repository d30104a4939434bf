"""The filled-in checklists as a page, a Word file, a table and METRICS' subtotal."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import docx
import pandas as pd

from livermets import __version__
from livermets.core import templating
from livermets.core.io import write_json, write_table, write_text
from livermets.manuscript.checklists import (
    AUTHORS,
    NO,
    NO_PROOF,
    NOT_APPLICABLE,
    YES,
    Answer,
    Checklist,
    fill_checklists,
    metrics_score,
)
from livermets.manuscript.run_files import RunFiles
from livermets.manuscript.word_format import add_table, save_word

TEMPLATES, PAGE = "templates", "checklists.html.j2"
METRICS = "METRICS"
ANSWERS = (YES, NO, AUTHORS, NO_PROOF, NOT_APPLICABLE)
HEADINGS = ("Item", "What it asks", "Answer", "Proof", "For the authors")


def write_checklists(run: RunFiles, folder: Path) -> None:
    """Fill in the checklists and write them into a folder.

    Parameters
    ----------
    run : RunFiles
        The results and the configuration.
    folder : Path
        Gets checklists.html, checklists.docx, checklists.tsv and metrics_score.json.
    """
    filled = fill_checklists(run)
    score = metrics_score(next(part for part in filled if part.title == METRICS))
    rows = [asdict(answer) for part in filled for answer in part.answers]
    write_table(folder / "checklists.tsv", pd.DataFrame(rows))
    write_json(folder / "metrics_score.json", score)
    write_text(folder / "checklists.html", render_page(filled, score))
    _write_word(filled, score, folder / "checklists.docx")


def render_page(filled: list[Checklist], score: dict[str, float]) -> str:
    """Render the checklists as a page whose proofs link to the files of the results."""
    parts: list[dict[str, Any]] = [
        {
            "title": part.title,
            "doi": part.doi,
            "counts": {answer: part.count(answer) for answer in ANSWERS if part.count(answer)},
            "answers": [(item, link(item)) for item in part.answers],
        }
        for part in filled
    ]
    return templating.render(
        Path(__file__).parent / TEMPLATES,
        PAGE,
        parts=parts,
        score=score,
        weighted=METRICS,
        version=__version__,
    )


def link(answer: Answer) -> str:
    """The address of the proof from results/manuscript; its folder where it is several files.

    >>> link(Answer("", "1", "", "", "yes", "ct/*.json"))
    '../ct/'
    """
    if not answer.file:
        return ""
    return "../" + answer.file.split("*")[0]


def _write_word(filled: list[Checklist], score: dict[str, float], path: Path) -> None:
    word = docx.Document()
    word.add_heading("Checklists, filled in from the run", level=1)
    for part in filled:
        word.add_heading(part.title, level=2)
        word.add_paragraph(f"https://doi.org/{part.doi}")
        if part.title == METRICS:
            word.add_paragraph(score_sentence(score))
        rows = [
            (item.item, item.text, item.answer, _proof_words(item), item.authors)
            for item in part.answers
        ]
        add_table(word, [HEADINGS, *rows])
    save_word(word, path)


def _proof_words(item: Answer) -> str:
    return f"results/{item.file}: {item.value}" if item.file else item.value


def score_sentence(score: dict[str, float]) -> str:
    """Say METRICS' subtotal in a sentence."""
    return (
        f"The run earns {score['earned']} % of METRICS' weight by itself; {score['for_authors']} % "
        f"is for the authors to answer, {score['no_proof']} % has no proof in the results, and "
        f"{score['no']} % is not met."
    )
