"""The file of the configuration as a person wrote it: no key in it is there twice."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from livermets.core.errors import BadInput


def refuse_double_keys(path: str | Path) -> None:
    """Refuse a configuration that gives a key twice: YAML would take the last one in silence.

    Parameters
    ----------
    path : path
        The file. One that is no YAML is left to Snakemake, which names the line.

    Raises
    ------
    BadInput
        The message names the key and both lines.
    """
    with Path(path).open(encoding="utf-8") as file:
        document = yaml.compose(file, yaml.SafeLoader)
    for key, first, again in _double_keys(document, ""):
        raise BadInput(
            f"{path}: the key `{key}` stands in line {first} and again in line {again}, and only "
            "the last one would count; write what it holds in one place."
        )


def _double_keys(node: yaml.Node | None, path: str) -> Iterator[tuple[str, int, int]]:
    """Keys that a mapping has twice, with the lines of the first two, at every depth."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _double_keys(item, path)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in lines:
                yield f"{path}{key.value}", lines[key.value], line
            lines.setdefault(key.value, line)
            yield from _double_keys(value, f"{path}{key.value}.")
