"""Writes config/config.yaml and the reference page of the configuration from the schema.

`make config` writes config/config.yaml; the build of the documentation writes the page. Neither
knows the name of a key: names, defaults, types and comments all come from
workflow/schemas/config.schema.yaml.
"""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
CONFIG = ROOT / "config/config.yaml"
WIDTH = 100  # characters of a line of config.yaml, where it can be helped
HEAD = """\
# The configuration of a study. Every key stands here with its default; a study's own config.yaml
# needs only the keys that differ. `make docs` shows the same as a page.
# Written by `make config` from workflow/schemas/config.schema.yaml: edit that file, not this one.
"""
LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "pattern": "matches `{}`",
    "minItems": "at least {} entries",
}


def load_schema() -> dict[str, Any]:
    """Read the JSON schema of the configuration."""
    schema: dict[str, Any] = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    return schema


def inline(value: Any) -> str:
    """Write a value as YAML in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def default_of(schema: dict[str, Any]) -> Any:
    """Return the default of a key; a section without one is on, with the defaults of its keys."""
    if "default" in schema:
        return schema["default"]
    return {} if schema.get("properties") else None


def is_section(schema: dict[str, Any]) -> bool:
    """Whether the key holds further keys that are in use by default."""
    return bool(schema.get("properties")) and isinstance(default_of(schema), dict)


def parts_of(schema: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the keys that a user may write below a key that is null, empty or a list by default.

    Returns
    -------
    how : str
        How the keys are written: "" as they are, "- " in each entry of a list, "name" below a
        name that the user chooses.
    keys : dict
        The schema of each key; empty where there are none.
    """
    if schema.get("properties"):
        return "", schema["properties"]
    for how, inner in (("- ", schema.get("items")), ("name", schema.get("additionalProperties"))):
        if isinstance(inner, dict) and inner.get("properties"):
            return how, inner["properties"]
    return "", {}


def comment_lines(comment: str, indent: str) -> list[str]:
    """Break a comment into lines that all begin with `indent`."""
    return textwrap.wrap(
        comment,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def key_lines(key: str, value: str, comment: str, indent: str, mark: str = "") -> list[str]:
    """Write one key with its comment, beside it where a line has room, above it elsewhere."""
    line = f"{indent}{mark}{key}:{' ' + value if value else ''}"
    beside = f"{line} # {comment}"
    if len(beside) <= WIDTH:
        return [beside]
    return [*comment_lines(comment, f"{indent}# "), line]


def optional_lines(schema: dict[str, Any], indent: str) -> Iterator[str]:
    """Write the keys that are not in use by default, behind `#`, so that a user sees them."""
    how, keys = parts_of(schema)
    lead = f"{indent}#   "
    if how == "name":
        yield f"{lead}name:"
        lead += "  "
    for number, (key, part) in enumerate(keys.items()):
        mark = {"- ": "- " if number == 0 else "  "}.get(how, "")
        value = inline(part["default"]) if "default" in part else "…"
        line = f"{lead}{mark}{key}: {value}"
        beside = f"{line} # {part['description']}"
        if len(beside) <= WIDTH:
            yield beside
        else:
            yield line
            yield from comment_lines(part["description"], f"{lead}{' ' * len(mark)}  # ")


def section_lines(schema: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Write every key of a section, each with its default and its description as a comment."""
    for key, part in schema["properties"].items():
        top = not indent
        if is_section(part):
            if top:
                yield ""
            yield from key_lines(key, "", part["description"], indent)
            yield from section_lines(part, indent + "  ")
            if top:
                yield ""
        else:
            yield from key_lines(key, inline(default_of(part)), part["description"], indent)
            yield from optional_lines(part, indent)


def config_yaml(schema: dict[str, Any]) -> str:
    """Return the text of config/config.yaml: every key, its default, its description."""
    text = "\n".join(["", *section_lines(schema)])
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return HEAD + "\n" + text.strip() + "\n"


def kind_of(schema: dict[str, Any]) -> str:
    """Say in a few words which values a key takes."""
    if "const" in schema:
        return f"`{inline(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{inline(value)}`" for value in schema["enum"])
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return " or ".join(kind_of(choice) for choice in schema[word])
    kinds = schema.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    words = []
    for kind in kinds:
        if kind == "array" and isinstance(schema.get("items"), dict):
            inner = kind_of(schema["items"])
            words.append(f"list of {inner}")
        elif kind == "object":
            named = isinstance(schema.get("additionalProperties"), dict)
            words.append("one entry per name" if named else "keys")
        else:
            words.append({"array": "list", "boolean": "true or false"}.get(kind, kind))
    limits = [text.format(schema[key]) for key, text in LIMITS.items() if key in schema]
    return " or ".join(words) + (f" ({', '.join(limits)})" if limits else "")


def table_rows(schema: dict[str, Any], path: str, depth: int = 0) -> Iterator[str]:
    """Write one row of the reference page for every key below `path`, at every depth."""
    how, keys = parts_of(schema)
    before = {"": "", "- ": "[].", "name": ".{name}."}[how] or ("." if path else "")
    for key, part in keys.items():
        name = f"{path}{before}{key}"
        plain = "default" in part and not is_section(part)
        default = f"`{inline(part['default'])}`" if plain else "—"
        cells = [f"`{name}`", default, kind_of(part), part["description"]]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield from table_rows(part, name, depth + 1)


def reference_page(schema: dict[str, Any]) -> str:
    """Return the reference page of the configuration as Markdown, one table per section."""
    head = ["| key | default | values | meaning |", "|---|---|---|---|"]
    loose, sections = [], []
    for key, part in schema["properties"].items():
        rows = list(table_rows({"properties": {key: part}}, ""))
        if len(rows) == 1:
            loose += rows
        else:
            sections += ["", f"## `{key}`", "", part["description"], "", *head, *rows[1:]]
    return "\n".join(
        [
            "# Configuration",
            "",
            "Every key of `config/config.yaml`, with its default and the values it takes. The file",
            "of a study needs only the keys that differ. A key that is not listed here is refused,",
            "with the nearest one as a hint. This page is written from",
            "`workflow/schemas/config.schema.yaml`, which also checks the configuration.",
            "",
            "## The study",
            "",
            *head,
            *loose,
            *sections,
            "",
        ]
    )


if __name__ == "__main__":
    CONFIG.write_text(config_yaml(load_schema()), encoding="utf-8")
