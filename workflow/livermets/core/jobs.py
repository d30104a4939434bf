"""Jobs: what every script of the workflow shares, its log and an end that a person can read."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from livermets.core.errors import BadInput

REFUSED = "refused: "  # marks the line of a log that says what a person has to put right


@contextmanager
def job(snakemake: Any) -> Iterator[logging.Logger]:
    """Log to the rule's log file and to the terminal; end on `BadInput` with its message alone.

    Any other exception ends with its traceback in both: it is a defect of ours, not of the input.

    Parameters
    ----------
    snakemake : object that Snakemake puts into a script
        Its `log`, and `rule` and `wildcards`, which each line of the log begins with.
    """
    title = " ".join([snakemake.rule, *map(str, snakemake.wildcards)])
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    handlers += [logging.FileHandler(path, mode="w") for path in snakemake.log]
    logging.basicConfig(
        level=logging.INFO,
        format=f"%(asctime)s {title}: %(message)s",
        datefmt="%H:%M:%S",
        handlers=handlers,
        force=True,
    )
    log = logging.getLogger("livermets")
    try:
        yield log
    except BadInput as problem:
        log.error("%s%s", REFUSED, problem)
        sys.exit(1)
    except Exception:
        log.exception("an error in livermets itself:")
        sys.exit(1)
    finally:
        logging.shutdown()


def refusals(logs: str | Path, since: float) -> list[str]:
    """What jobs refused, each message once: from the log files written after `since` (epoch s)."""
    written = (path for path in Path(logs).rglob("*.log") if path.stat().st_mtime >= since)
    lines = (line for path in written for line in path.read_text(errors="replace").splitlines())
    return sorted({line.split(REFUSED, 1)[1] for line in lines if REFUSED in line})
