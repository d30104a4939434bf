"""A patient who cannot be used: stop the study, or note the reason and go on without them.

The rules of the workflow are known before a single CT has been read, so a patient who turns
out bad keeps their place in it: their images become empty files and their record carries the
reason, which every later stage passes on and `cohort.tsv` and the flow diagram show.
"""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from livermets.core.errors import BadPatient, NotIncluded
from livermets.core.jobs import read_json, write_json


def excluded(record: str | Path) -> dict | None:
    """`{"stage": ..., "reason": ...}` if the patient of this record is out, else None."""
    return read_json(record).get("excluded")


def attempt(
    stage: str,
    step: Callable[[], dict | None],
    *,
    policy: str,
    outputs: Iterable[str | Path],
    record: str | Path | None = None,
    upstream: str | Path | None = None,
) -> None:
    """Run `step`, which writes `outputs` and returns facts for `record`; or leave them empty.

    Parameters
    ----------
    stage : the stage's name, as the flow diagram shows it
    policy : `stop` raises the step's `BadPatient`; `exclude` notes it and goes on
    outputs : files left empty (0 bytes) when the patient is out
    record : JSON file that gets the step's facts and `excluded`
    upstream : record of the stage before; a patient out there stays out here
    """
    out = excluded(upstream) if upstream else None
    facts: dict | None = {}
    if out is None:
        try:
            facts = step()
        except BadPatient as problem:
            met = not isinstance(problem, NotIncluded)
            if policy == "stop" and met:
                raise BadPatient(
                    problem.patient,
                    problem.problem,
                    f"{problem.remedy}, or set `on_bad_patient: exclude` to go on without them",
                ) from problem
            logging.getLogger("livermets").warning("excluded: %s", problem)
            out = {"stage": stage if met else "inclusion", "reason": problem.problem}
    if out is not None:
        for path in outputs:
            Path(path).write_bytes(b"")
    if record:
        write_json(record, {**(facts or {}), "excluded": out})
