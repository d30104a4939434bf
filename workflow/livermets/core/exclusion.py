"""Exclusion: a patient who cannot be used stops the study, or is noted and left out.

The rules of the workflow are known before a single CT has been read, so a patient who turns
out bad keeps their place in it: their images become empty files and their record carries the
reason, which every later stage passes on and `cohort.tsv` and the flow diagram show.
"""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from livermets.core.errors import BadPatient, NotIncluded
from livermets.core.io import read_json, write_empty, write_json

log = logging.getLogger(__name__)

Step = Callable[
    [], dict[str, Any] | None
]  # writes a rule's outputs, returns the content of its record
Paths = Iterable[str | Path]


def exclusion_of(record: str | Path) -> dict[str, str] | None:
    """Read why the patient of this record is out: `{"stage": ..., "reason": ...}`, else None."""
    out: dict[str, str] | None = read_json(record).get("excluded")
    return out


def exclude_or_stop(
    stage: str,
    step: Step,
    *,
    policy: str,
    outputs: Paths,
    record: str | Path,
    upstream: str | Path | None = None,
) -> None:
    """Run `step`; where its patient cannot be used, stop the study or leave the patient out.

    Parameters
    ----------
    stage : str
        The stage's name in `cohort.tsv` and the flow diagram.
    step : callable
        Writes `outputs` and returns the content of the record.
    policy : {"stop", "exclude"}
        What a `BadPatient` does. A `NotIncluded` is left out either way.
    outputs : paths
        Files left empty (0 bytes) when the patient is out.
    record : path
        JSON file that gets the content and `excluded`.
    upstream : path, optional
        Record of the stage before; a patient out there stays out here.
    """
    out = exclusion_of(upstream) if upstream else None
    content: dict[str, Any] | None = {}
    if out is None:
        try:
            content = step()
        except BadPatient as problem:
            met_criteria = not isinstance(problem, NotIncluded)
            if policy == "stop" and met_criteria:
                raise BadPatient(
                    problem.patient,
                    problem.problem,
                    f"{problem.remedy}, or set `on_bad_patient: exclude` to go on without them",
                ) from problem
            log.warning("excluded: %s", problem)
            out = {"stage": stage if met_criteria else "inclusion", "reason": problem.problem}
    _finish(content, out, outputs, record)


def skip_if_excluded(
    upstream: str | Path, step: Step, *, outputs: Paths, record: str | Path | None = None
) -> None:
    """Run `step` for a patient who is in the study; leave empty files for one who is out.

    Parameters
    ----------
    upstream : path
        Record of the stage before, which says whether the patient is out.
    step : callable
        Writes `outputs` and returns the content of `record`, or None.
    outputs : paths
        Files left empty (0 bytes) when the patient is out.
    record : path, optional
        JSON file that gets the content and `excluded`.
    """
    out = exclusion_of(upstream)
    _finish(step() if out is None else {}, out, outputs, record)


def _finish(
    content: dict[str, Any] | None,
    out: dict[str, str] | None,
    outputs: Paths,
    record: str | Path | None,
) -> None:
    if out is not None:
        for path in outputs:
            write_empty(path)
    if record:
        write_json(record, {**(content or {}), "excluded": out})
