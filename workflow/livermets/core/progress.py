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


def time_left(elapsed_s: float, done: float, total: float) -> str:
    """Estimate how long work will still take, in words.

    Parameters
    ----------
    elapsed_s : float
        Seconds that the work has taken so far.
    done : float
        How much has been done in that time, in any unit.
    total : float
        How much was to be done, in the same unit.

    Returns
    -------
    str
        Such as "40 s", "12 min" or "3 h 20 min".
    """
    seconds = elapsed_s * (total - done) / done
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
