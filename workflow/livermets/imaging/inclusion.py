"""Inclusion criteria on how a CT was acquired."""

from collections.abc import Mapping
from typing import Any

TOLERANCE_MM = 0.05  # by which scanners round a slice thickness up
TITLES = {
    "slice_thickness_mm": "slice thickness",
    "slice_step_mm": "slice spacing",
    "kernel": "reconstruction kernel",
    "phase": "contrast phase",
}


def unmet_criteria(acquisition: Mapping[str, Any], criteria: Mapping[str, Any]) -> list[str]:
    """The inclusion criteria that a CT does not meet, in words for the flow diagram.

    Parameters
    ----------
    acquisition : mapping
        slice_thickness_mm, slice_step_mm, kernel and phase, as `import_ct` records them.
    criteria : mapping
        `imaging: inclusion` of the configuration: max_slice_thickness_mm, max_slice_step_mm,
        kernels and phases (None accepts all), and unknown, which says whether to keep or exclude
        a CT that does not state a value.

    Returns
    -------
    list of str
        Empty if all criteria are met.
    """
    reasons = []

    def check(name: str, met: bool) -> None:
        value = acquisition.get(name)
        if value is None and criteria["unknown"] == "exclude":
            reasons.append(f"{TITLES[name]} not known")
        elif value is not None and not met:
            text = f"{value:g} mm" if isinstance(value, float) else value
            reasons.append(f"{TITLES[name]} {text}")

    for name in ("slice_thickness_mm", "slice_step_mm"):
        limit, value = criteria[f"max_{name}"], acquisition.get(name)
        if limit is not None:
            check(name, value is not None and value <= limit + TOLERANCE_MM)
    for name, accepted in (("kernel", criteria["kernels"]), ("phase", criteria["phases"])):
        if accepted is not None:
            value = str(acquisition.get(name) or "").lower()
            check(name, value in [str(text).lower() for text in accepted])
    return reasons
