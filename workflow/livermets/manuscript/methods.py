"""The methods section of a paper, in sentences from the run's files and configuration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from livermets.core import templating
from livermets.core.io import write_text
from livermets.manuscript.cohort_facts import cohort_facts, split_facts
from livermets.manuscript.document import Document, parse_document
from livermets.manuscript.feature_facts import feature_facts
from livermets.manuscript.image_facts import acquisition_facts, lesion_facts, mask_facts
from livermets.manuscript.model_facts import model_facts, statistics_facts
from livermets.manuscript.references import all_references, bibtex
from livermets.manuscript.review_facts import review_facts
from livermets.manuscript.run_files import RunFiles
from livermets.manuscript.software_facts import software_facts
from livermets.manuscript.text_formats import latex, markdown, plain_text
from livermets.manuscript.word_format import write_word

TEMPLATES, TEMPLATE = "templates", "methods.md.j2"
TITLE, NAME = "Methods", "methods"
FACTS: dict[str, Callable[[RunFiles], dict[str, Any]]] = {
    "cohort": cohort_facts,
    "acquisition": acquisition_facts,
    "masks": mask_facts,
    "review": review_facts,
    "lesions": lesion_facts,
    "features": feature_facts,
    "splits": split_facts,
    "models": model_facts,
    "statistics": statistics_facts,
    "software": software_facts,
}  # name in the templates -> where its values come from


def methods_document(run: RunFiles) -> Document:
    """Write the methods section of a run.

    Parameters
    ----------
    run : RunFiles
        The results and the configuration. What a file of the results does not tell is left to
        the authors, in brackets.

    Returns
    -------
    Document
        The section, with the references that it cites.
    """
    facts = {name: collect(run) for name, collect in FACTS.items()}
    folder = Path(__file__).parent / TEMPLATES
    text = templating.render_text(folder, TEMPLATE, images=run.from_images, **facts)
    return parse_document(TITLE, text, set(all_references()))


def write_methods(run: RunFiles, folder: Path) -> None:
    """Write the methods section as .txt, .md, .docx and .tex with a .bib into a folder."""
    document = methods_document(run)
    write_text(folder / f"{NAME}.txt", plain_text(document))
    write_text(folder / f"{NAME}.md", markdown(document))
    write_text(folder / f"{NAME}.tex", latex(document, NAME))
    write_text(folder / f"{NAME}.bib", bibtex(document.cited))
    write_word(document, folder / f"{NAME}.docx")
