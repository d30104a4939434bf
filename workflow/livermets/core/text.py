"""Text: lists of names as messages write them."""

from collections.abc import Iterable

MAX_NAMES = 5  # patients or features named in one sentence


def list_names(names: Iterable[str], separator: str = ", ") -> str:
    """Write the first names in one line, and the number of the others."""
    names = list(names)
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return separator.join(names[:MAX_NAMES]) + more
