"""Paths that Snakemake cannot take as input, told before it plans."""

import re

# Snakemake reads {name} and {name,pattern} in a path as a wildcard, and has no way to escape it
WILDCARD = re.compile(r"\{\s*\w+\s*(,[^{}]*(\{[^{}]*\}[^{}]*)*)?\}")


def unusable_path(key: str, path: str) -> str | None:
    """Say what is wrong with a path that Snakemake would take for a pattern, None if nothing is.

    Parameters
    ----------
    key : str
        Column of the sheet or key of the config that names the path.
    path : str
        The path.
    """
    if braces := WILDCARD.search(path):
        return (
            f"`{key}` names {path}, and Snakemake takes {braces[0]} for a wildcard; rename the "
            "folder or file, or name a link to it without braces."
        )
    return None
