"""Templates: one set-up of Jinja for every page and drawing that the workflow writes."""

from pathlib import Path
from typing import Any

import jinja2

SHARED = Path(__file__).parent / "templates"  # parts that several rooms include, such as page.css


def environment(folder: Path) -> jinja2.Environment:
    """Jinja's environment for the templates of one folder and those that all rooms share.

    Values are escaped for HTML, and a name that the template uses but nobody gave is an error.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, SHARED]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def render(folder: Path, template: str, **context: Any) -> str:
    """The text of a template in `folder`, filled in with `context`."""
    return environment(folder).get_template(template).render(context)


def render_text(folder: Path, template: str, **context: Any) -> str:
    """The text of a template in `folder` that is no HTML; nothing in a value can cite.

    `[@` opens a citation in these texts (`livermets.manuscript.document`), so that a value that
    holds it, or line breaks, is changed.
    """
    texts = environment(folder)
    texts.autoescape = False
    texts.finalize = _as_plain_text
    return texts.get_template(template).render(context)


def _as_plain_text(value: Any) -> Any:
    """A value without a citation or a line break in it."""
    if not isinstance(value, str):
        return value
    return " ".join(value.replace("[@", "[ @").splitlines())
