"""Writes one page of the API for each room of the package; autodoc fills it from the docstrings."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow/livermets"


def rooms() -> list[str]:
    """List the rooms: the folders of the package that are packages themselves."""
    return sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def first_sentence(room: str) -> str:
    """Return the first line of a room's docstring."""
    tree = ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").splitlines()[0]


def modules(room: str) -> list[str]:
    """List the modules of a room, those of its inner folders after its own."""
    names = []
    for path in (PACKAGE / room).rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names.append(".".join(part for part in parts if part != "__init__"))
    return sorted(set(names), key=lambda name: (name.count("."), name))


def page(room: str) -> str:
    """Return the page of a room in reStructuredText."""
    lines = [room, "=" * len(room), ""]
    for module in modules(room):
        if module != f"livermets.{room}":
            title = module.removeprefix(f"livermets.{room}.")
            lines += [title, "-" * len(title), ""]
        lines += [f".. automodule:: {module}", ""]
    return "\n".join(lines)


def write_pages(folder: Path) -> None:
    """Write the page of every room, and an index that lists them with their first sentences."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for room in rooms():
        (folder / f"{room}.rst").write_text(page(room), encoding="utf-8")
    lines = ["# API", "", "One page for each room of `workflow/livermets`.", ""]
    lines += ["| room | what it is |", "|---|---|"]
    lines += [f"| [`{room}`]({room}.rst) | {first_sentence(room)} |" for room in rooms()]
    lines += ["", "```{toctree}", ":hidden:", "", *rooms(), "```", ""]
    (folder / "index.md").write_text("\n".join(lines), encoding="utf-8")
