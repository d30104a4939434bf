"""What a person is told whose input is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from livermets.core.errors import BadInput


@contextmanager
def refused(*words: str, error: type[BadInput] = BadInput) -> Iterator[pytest.ExceptionInfo]:
    """A block that ends in a refusal with all of these words: one line, the last of it a remedy."""
    with pytest.raises(error) as refusal:
        yield refusal
    message = str(refusal.value)
    missing = [word for word in words if word not in message]
    assert not missing, f"{missing} not in: {message}"
