"""Progress of a training: how far it has come, and how long it will take at most."""

import time

from livermets.core.progress import Progress, time_left


class EpochProgress:
    """Tells the epoch, the step, and the time until the last epoch.

    The time is an upper limit, since validation patients may end the training before.

    Parameters
    ----------
    epochs : int
        Largest number of epochs.
    steps : int
        Number of steps of an epoch.
    done : int
        Number of epochs that an earlier job has run.
    """

    def __init__(self, epochs: int, steps: int, done: int = 0) -> None:
        self._epochs, self._steps, self._first, self._done = epochs, steps, done, done
        self._message, self._started = Progress(), time.perf_counter()

    def finish_epoch(self) -> None:
        """Count one more epoch."""
        self._done += 1

    def left(self, steps_done: int = 0) -> str:
        """Time until the last epoch, in words, after some steps of the present one."""
        done = self._done + steps_done / self._steps - self._first
        elapsed = time.perf_counter() - self._started
        return time_left(elapsed, done, self._epochs - self._first)

    def tell(self, steps_done: int) -> None:
        """Print a line if the last one is old enough."""
        if steps_done:
            self._message.tell(
                f"epoch {self._done + 1} of {self._epochs}: {steps_done} of {self._steps} batches; "
                f"at most {self.left(steps_done)} left"
            )
