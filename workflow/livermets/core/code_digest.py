"""Code digest: a hash of a rule's script and of every module it imports, which decides reruns.

Snakemake looks at the time of a rule's script, which a new clone changes, and not at the modules
that the script imports. Each rule gets the digest as the parameter `code`, so that an edit anywhere
below its script reruns it, and nothing else of the code does (`rerun-triggers` in profiles/).
"""

import ast
import hashlib
import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def files_read(path: Path) -> set[Path]:
    """Find every file of the package that `path` uses, directly or not, and `path` itself.

    What counts as used, wherever in the file it stands: an import of the package, and a text that
    names a file or a folder of data beside the module ("report.html.j2", "templates").
    """
    reached: set[Path] = set()
    waiting = [path.resolve()]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += _used_by(file) if file.suffix == ".py" else ()
    return reached


@cache
def _used_by(file: Path) -> frozenset[Path]:
    """The files that one file of Python uses directly."""
    used: set[Path] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            used |= {module for alias in node.names for module in _module(alias.name)}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            used |= {module for name in names for module in _module(name)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used |= set(_data(file.parent, node.value))
    return frozenset(used)


def _module(name: str) -> list[Path]:
    """The file of the module that a dotted name leads to: the longest part that is a module."""
    root, *parts = name.split(".")
    if root != PACKAGE.name:
        return []
    for length in range(len(parts), -1, -1):
        module = PACKAGE.joinpath(*parts[:length])
        for file in (module.with_suffix(".py"), module / "__init__.py"):
            if file.is_file():
                return [file]
    return []


def _data(folder: Path, name: str) -> list[Path]:
    """The file of data of this name in the folder of a module, or all files of such a folder."""
    if not _FILE_NAME.fullmatch(name) or not folder.is_relative_to(PACKAGE):
        return []
    beside = folder / name
    if beside.is_dir() and not (beside / "__init__.py").exists():
        return [file for file in beside.rglob("*") if file.is_file()]
    return [beside] if beside.is_file() and beside.suffix != ".py" else []


def code_digest(script: Path) -> str:
    """Hash a script and every file of the package it uses, as sixteen hex digits."""
    digest = hashlib.sha256()
    for file in sorted(files_read(script)):
        name = file.relative_to(PACKAGE.parent).as_posix()
        digest.update(name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def add_code_digests(rules: Iterable[Any]) -> None:
    """Give every rule of Snakemake a digest of its script, or of its command, as parameter `code`.

    The command itself would not do: Snakemake takes `{input}` in a parameter for a wildcard.
    """
    for rule in rules:
        if rule.script:
            script = rule.basedir.join(rule.script)
            rule.set_params(code=code_digest(Path(os.path.normpath(script))))
        elif rule.shellcmd:
            command = " ".join(rule.shellcmd.split())
            rule.set_params(code=hashlib.sha256(command.encode()).hexdigest()[:16])
