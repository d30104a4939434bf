"""A document as plain text, Markdown and LaTeX."""

import re
import textwrap
from collections.abc import Sequence

from livermets.manuscript.document import Document
from livermets.manuscript.references import reference_text

WIDTH = 88  # characters of a line of plain text
LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "×": r"\ensuremath{\times}",
    "σ": r"\ensuremath{\sigma}",
    "≥": r"\ensuremath{\geq}",
    "≤": r"\ensuremath{\leq}",
    "−": r"\ensuremath{-}",
    "²": r"\ensuremath{^2}",
}
_MARKUP = re.compile(r"([\\`*_<>#|\[\]])")  # signs that Markdown may read as markup


def plain_text(document: Document) -> str:
    """Write a document as plain text with numbered references."""
    parts = [document.title, "=" * len(document.title), ""]
    for block in document.blocks:
        text = block.text(document.numbers)
        if block.heading:
            parts += [text, "-" * len(text)]
        else:
            parts += [textwrap.fill(text, WIDTH, break_on_hyphens=False), ""]
    parts += ["References", "----------", *_numbered(document.cited)]
    return "\n".join(parts) + "\n"


def markdown(document: Document) -> str:
    """Write a document as Markdown with numbered references; values are no markup."""
    parts = [f"# {document.title}"]
    for block in document.blocks:
        text = "".join(
            _MARKUP.sub(r"\\\1", part) if isinstance(part, str) else document.numbers(part)
            for part in block.parts
        )
        parts.append(f"## {text}" if block.heading else text)
    parts += ["## References", "\n".join(_numbered(document.cited))]
    return "\n\n".join(parts) + "\n"


def _numbered(keys: Sequence[str]) -> list[str]:
    return [f"{number}. {reference_text(key)}" for number, key in enumerate(keys, start=1)]


def escape_latex(text: str) -> str:
    r"""Escape what LaTeX would read as a command.

    >>> escape_latex("5 % of P_01")
    '5 \\% of P\\_01'
    """
    return "".join(LATEX.get(sign, sign) for sign in text)


def latex(document: Document, bibliography: str) -> str:
    """Write a document as a whole LaTeX file that cites a .bib file.

    Parameters
    ----------
    document : Document
        The document.
    bibliography : str
        Name of the .bib file without its ending.
    """
    lines = [
        r"\documentclass[11pt]{article}",
        r"\usepackage[T1]{fontenc}",
        r"\usepackage[utf8]{inputenc}",
        r"\usepackage[hidelinks]{hyperref}",
        r"\begin{document}",
        rf"\section*{{{escape_latex(document.title)}}}",
    ]
    for block in document.blocks:
        text = "".join(
            escape_latex(part) if isinstance(part, str) else rf"\cite{{{','.join(part)}}}"
            for part in block.parts
        )
        lines += ["", rf"\subsection*{{{text}}}" if block.heading else text]
    lines += ["", r"\bibliographystyle{unsrt}", rf"\bibliography{{{bibliography}}}"]
    return "\n".join([*lines, r"\end{document}"]) + "\n"
