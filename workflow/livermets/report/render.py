"""The report of a study: one self-contained HTML file that loads nothing from the network."""

from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from livermets import __version__
from livermets.core import templating
from livermets.report.formatting import number
from livermets.report.page_tables import link_tables
from livermets.report.sections.order import header, sections
from livermets.report.sections.section import FOLDER, MACROS
from livermets.report.study_results import StudyResults

TEMPLATES = Path(__file__).parent / "templates"
PAGE = "report.html.j2"


def render_report(results: StudyResults) -> str:
    """Render the report as HTML: the sections of `sections.order` one after another.

    Parameters
    ----------
    results : StudyResults
        The results of the study.

    Returns
    -------
    str
        The page, with its style sheet and figures in it.
    """
    partials = _partials()
    start = header()
    rendered = []
    for section in sections(results):
        context = section.content(results)
        if context is None and not section.absent:
            continue
        body = None
        if context is not None:
            body = Markup(partials.get_template(section.template).render(context))
        rendered.append({"section": section, "body": body})
    page = templating.render(
        TEMPLATES,
        PAGE,
        title=results.config["title"],
        version=__version__,
        header=start,
        summary=Markup(partials.get_template(start.template).render(start.context(results) or {})),
        sections=rendered,
    )
    return link_tables(page)


def _partials() -> Environment:
    """Jinja's environment of the sections, with the macros that they share."""
    environment = templating.environment(FOLDER)
    environment.filters["number"] = number
    environment.globals["macros"] = environment.get_template(MACROS).module
    return environment
