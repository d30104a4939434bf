"""What every script of the workflow shares: logging, and an error a person can read."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from livermets.core.errors import BadInput

REFUSED = "refused: "  # marks the line of a log that says what a person has to put right


@contextmanager
def job(log_files: list[str], title: str) -> Iterator[logging.Logger]:
    """Log to the rule's log file and to the terminal; end on `BadInput` with its message alone.

    Any other exception ends with its traceback in both: it is a defect of ours, not of the input.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    handlers += [logging.FileHandler(path, mode="w") for path in log_files]
    logging.basicConfig(
        level=logging.INFO,
        format=f"%(asctime)s {title}: %(message)s",
        datefmt="%H:%M:%S",
        handlers=handlers,
        force=True,
    )
    try:
        yield logging.getLogger("livermets")
    except BadInput as problem:
        logging.getLogger("livermets").error("%s%s", REFUSED, problem)
        sys.exit(1)
    except Exception:
        logging.getLogger("livermets").exception("an error in livermets itself:")
        sys.exit(1)
    finally:
        logging.shutdown()


def refusals(logs: str | Path, since: float) -> list[str]:
    """What jobs refused, each message once: from the log files written after `since` (epoch s)."""
    written = (path for path in Path(logs).rglob("*.log") if path.stat().st_mtime >= since)
    lines = (line for path in written for line in path.read_text(errors="replace").splitlines())
    return sorted({line.split(REFUSED, 1)[1] for line in lines if REFUSED in line})


def read_json(path: str | Path) -> dict:
    """One JSON object."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(path: str | Path, content: dict) -> None:
    """One JSON object, sorted and indented: the same content gives the same bytes."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    Path(path).write_text(text + "\n", encoding="utf-8")
