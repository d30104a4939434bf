"""References of the methods section: as text, and as BibTeX."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = "references.yaml"


@cache
def all_references() -> dict[str, dict[str, Any]]:
    """Read every reference that the templates may cite, by its key."""
    text = (Path(__file__).parent / FILE).read_text(encoding="utf-8")
    references: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return references


def reference_text(key: str) -> str:
    """Write one reference as a line of a bibliography."""
    entry = all_references()[key]
    authors = entry["author"].replace(" and others", " et al.").replace(" and ", "; ")
    where = entry.get("journal") or entry["booktitle"]
    issue = f" {entry['volume']}" if "volume" in entry else ""
    pages = f":{entry['pages']}" if "pages" in entry else ""
    doi = f" https://doi.org/{entry['doi']}" if "doi" in entry else ""
    text = f"{authors} {entry['title']}. {where} ({entry['year']}){issue}{pages}.{doi}"
    return text.replace("--", "–")


def bibtex(keys: Iterable[str]) -> str:
    """Write references as the text of a .bib file, in UTF-8."""
    entries = []
    for key in keys:
        fields = {name: value for name, value in all_references()[key].items() if name != "type"}
        fields["title"] = f"{{{fields['title']}}}"  # keeps the capitals of names
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
        entries.append("\n".join([f"@{all_references()[key]['type']}{{{key},", *lines, "}"]))
    return "\n\n".join(entries) + "\n"
