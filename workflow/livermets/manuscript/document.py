"""A document of headings and paragraphs, whose sentences cite references by key.

The templates write it as text: `## ` opens a heading, an empty line ends a paragraph, `[@key]` or
`[@key; @key]` cites. Everything else is plain text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from livermets.core.errors import BadInput

CITATION = re.compile(r"\[(@[\w-]+(?:; *@[\w-]+)*)\]")
HEADING = "## "


@dataclass(frozen=True)
class Block:
    """A heading or a paragraph.

    Parameters
    ----------
    parts : tuple of str or tuple of str
        Texts, and between them the keys that are cited there.
    heading : bool
        Whether it is a heading.
    """

    parts: tuple[str | tuple[str, ...], ...]
    heading: bool = False

    def text(self, cite: Callable[[tuple[str, ...]], str]) -> str:
        """Write the block as one line; `cite` writes the keys of a citation."""
        return "".join(part if isinstance(part, str) else cite(part) for part in self.parts)


@dataclass(frozen=True)
class Document:
    """Headings and paragraphs in their order.

    Parameters
    ----------
    title : str
        The title.
    blocks : tuple of Block
        Headings and paragraphs.
    """

    title: str
    blocks: tuple[Block, ...]

    @property
    def cited(self) -> list[str]:
        """The keys that are cited, in the order in which they are cited first."""
        parts = (part for block in self.blocks for part in block.parts)
        return list(dict.fromkeys(key for part in parts if isinstance(part, tuple) for key in part))

    def numbers(self, keys: tuple[str, ...]) -> str:
        """Write a citation by the numbers of its references, such as [1, 4]."""
        order = {key: number for number, key in enumerate(self.cited, start=1)}
        return f"[{', '.join(str(order[key]) for key in keys)}]"


def parse_document(title: str, text: str, known: set[str]) -> Document:
    """Read a document from the text of the templates.

    Parameters
    ----------
    title : str
        The title.
    text : str
        Headings and paragraphs, as the module's docstring says.
    known : set of str
        The keys that may be cited.

    Returns
    -------
    Document
        The document; white space within a paragraph counts as one blank.

    Raises
    ------
    BadInput
        If a key is not known.
    """
    blocks = []
    for chunk in re.split(r"\n\s*\n", text.strip()):
        line = " ".join(chunk.split())
        if line:
            heading = line.startswith(HEADING)
            blocks.append(Block(_parts(line.removeprefix(HEADING)), heading))
    document = Document(title, tuple(blocks))
    if unknown := set(document.cited) - known:
        raise BadInput(
            f"the methods cite {sorted(unknown)[0]!r}, which is no key of references.yaml; add it."
        )
    return document


def _parts(line: str) -> tuple[str | tuple[str, ...], ...]:
    """Split a line into texts and the keys cited between them."""
    parts: list[str | tuple[str, ...]] = []
    for place, piece in enumerate(CITATION.split(line)):
        if place % 2:
            parts.append(tuple(key.strip().removeprefix("@") for key in piece.split(";")))
        elif piece:
            parts.append(piece)
    return tuple(parts)
