"""Tables of the report, read from its page, so that files for a paper hold what the page shows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markupsafe import escape

FOLDER = "exports"  # beside the page
FORMATS = {"docx": "Word", "tex": "LaTeX", "tsv": "TSV"}  # ending of a table's file -> its name
TITLES = ("h1", "h2", "h3", "summary")


@dataclass
class PageTable:
    """A table of the page.

    Parameters
    ----------
    name : str
        The anchor of its section and its number there, such as cv_1: the name of its files.
    title : str
        The title of its section, and the heading that it stands under.
    headings : list of str
        The headings of its columns; empty where it has none.
    rows : list of list of str
        The text of each cell. A row that heads a group of rows has one cell.
    """

    name: str
    title: str
    headings: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return max(map(len, [self.headings, *self.rows]))


def read_page_tables(page: str) -> list[PageTable]:
    """Read all tables of a report.

    Parameters
    ----------
    page : str
        The HTML of the report.

    Returns
    -------
    list of PageTable
        The tables in the order of the page.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.tables


def link_tables(page: str) -> str:
    """Add links to the files of each table below it."""
    links = map(_links, read_page_tables(page))
    return re.sub(r"</table>(</div>)?", lambda end: end[0] + next(links), page)


def _links(table: PageTable) -> str:
    addresses = (
        f'<a href="{FOLDER}/{table.name}.{ending}">{title}'
        f'<span class="unseen">: {escape(table.title)}</span></a>'
        for ending, title in FORMATS.items()
    )
    return f'\n<p class="files">This table as a file: {", ".join(addresses)}</p>'


class _Reader(HTMLParser):
    """Collects the tables, and the section and heading that each stands under."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[PageTable] = []
        self.numbers: dict[str, int] = {}  # section -> its tables so far
        self.section, self.section_title, self.heading = "", "", ""
        self.cells: list[str] | None = None  # of the open row
        self.text: list[str] | None = None  # of the open cell or title
        self.in_head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "header" or (tag == "details" and given.get("class") == "folded"):
            self.section, self.section_title, self.heading = given["id"] or "", "", ""
        elif tag in TITLES or tag in ("th", "td"):
            self.text = []
        elif tag == "table":
            self.numbers[self.section] = self.numbers.get(self.section, 0) + 1
            name = f"{self.section}_{self.numbers[self.section]}"
            self.tables.append(PageTable(name, ": ".join(filter(None, self._titles()))))
        elif tag in ("thead", "tbody"):
            self.in_head = tag == "thead"
        elif tag == "tr":
            self.cells = []

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in TITLES and self.text is not None:
            text = self._closed_text()
            if tag in ("h1", "h2") and not self.section_title:
                self.section_title = text
            else:
                self.heading = text
        elif tag in ("th", "td") and self.cells is not None:
            self.cells.append(self._closed_text())
        elif tag == "tr" and self.cells is not None:
            if self.in_head:
                self.tables[-1].headings = self.cells
            else:
                self.tables[-1].rows.append(self.cells)
            self.cells = None

    def _titles(self) -> Iterator[str]:
        yield self.section_title
        yield self.heading

    def _closed_text(self) -> str:
        text, self.text = " ".join("".join(self.text or []).split()), None
        return text
