"""Names of tests that are the same in every worker, on every machine and at any time.

Workers that collect different names run no test at all.
"""

import re
from pathlib import Path

FLOAT = re.compile(r"[-+]?\d*\.\d+([eE][-+]?\d+)?|[-+]?(nan|inf)")
# Parts of a name that come from the machine or the moment, not from the author.
UNSTEADY = {
    "the address of an object": re.compile(r"0x[0-9a-f]{4,}|<[^>]* object"),
    "a time": re.compile(r"\d{1,2}:\d{2}:\d{2}|\d{4}-\d\d-\d\d[T ]\d"),
    "a path of this machine": re.compile(re.escape(str(Path(__file__).parents[2]))),
}


def refuse_made_up_name(value: object, argument: str) -> None:
    """Refuse a value that does not name itself as texts, whole numbers and functions do.

    Raises
    ------
    TypeError
        For bytes, floats, dates, arrays, containers and other objects, and for texts that are a
        number with a fraction or hold line breaks.
    """
    named = value is None or isinstance(value, bool | int)
    if isinstance(value, str):
        named = value.isprintable() and not FLOAT.fullmatch(value)
    elif isinstance(getattr(value, "__name__", None), str):
        named = value.__name__ != "<lambda>"
    if not named:
        raise TypeError(
            f"the parameter `{argument}` is a {type(value).__name__}: write an id for each case, "
            "`pytest.param(..., id='what is special')` or `ids=[...]`"
        )


def unsteady_parts(name: str) -> list[str]:
    """What in the name of a test can differ between two runs of the same code."""
    return [kind for kind, pattern in UNSTEADY.items() if pattern.search(name)]
