"""A digest of the package's source, so that an edited module reruns what it serves.

Snakemake looks at a rule's script, not at the modules the script imports.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
_IMPORT = re.compile(r"^\s*(?:from (?:livermets)?\.(\w+) import|import livermets\.(\w+))", re.M)
_IMPORT_FROM_ROOT = re.compile(r"^\s*from (?:livermets|\.) import \(?([\w, \n]+)", re.M)


@cache
def modules_served(name: str) -> frozenset[str]:
    """`name` and every module of the package it imports, directly or not."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        source = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
        names = {a or b for a, b in _IMPORT.findall(source)}
        for group in _IMPORT_FROM_ROOT.findall(source):
            names |= {part.strip().split(" ")[0] for part in group.split(",")}
        waiting += [n for n in names if (PACKAGE / f"{n}.py").is_file()]
    return frozenset(found)


def code(*modules: str) -> str:
    """Sixteen hex digits of the content of `modules` and what they import."""
    digest = hashlib.sha256()
    for module in sorted(frozenset().union(*(modules_served(name) for name in modules))):
        digest.update(module.encode() + (PACKAGE / f"{module}.py").read_bytes())
    return digest.hexdigest()[:16]
