"""Progress of long work, for the person who waits for it."""

import sys
import time

PROGRESS_S, LOG_PROGRESS_S = 1.0, 15.0  # between two messages on a terminal, and in a log


class Progress:
    """Tells on standard error how far long work has come: one line that changes on a terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._pause = PROGRESS_S if self._terminal else LOG_PROGRESS_S
        self._next = time.monotonic() + self._pause

    def tell(self, text: str) -> None:
        """Print the text if the last one is old enough."""
        if time.monotonic() >= self._next:
            end = "\x1b[K\r" if self._terminal else "\n"  # clears what a longer line left behind
            print(text, end=end, file=sys.stderr, flush=True)
            self._next = time.monotonic() + self._pause
