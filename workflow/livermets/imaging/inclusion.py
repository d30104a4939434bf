"""Inclusion criteria on how a CT was acquired: which are unmet, in words for the flow diagram."""

import re
from collections.abc import Mapping

# what series descriptions call the phases, in English and German
PHASES = {
    "portal venous": r"portal|\bpvp?\b|\bven\b|venous|ven(ö|oe|o)s|\b(6[05]|7[05]|80) ?s(ec)?\b",
    "arterial": r"arter|\bart\b|\bcta\b|(?<!non.)(?<!non)angio",
    "native": r"nativ|non.?contrast|without contrast|unenhanced|\bnc\b|plain|ohne km",
    "delayed": r"delay|late|equilib|sp(ä|ae)t|\b(3|5) ?min\b|excret",
}
# seconds from the start of the injection, around those of ACR's LI-RADS v2018 for CT
WINDOWS_S = {"arterial": (15, 45), "portal venous": (55, 100), "delayed": (120, 900)}
TITLES = {
    "slice_thickness_mm": "slice thickness",
    "slice_step_mm": "slice spacing",
    "kernel": "reconstruction kernel",
    "phase": "contrast phase",
}


def phase_of(*texts: object) -> str | None:
    """The contrast phase that header texts name, None where none or several do."""
    text = " ".join(str(text) for text in texts if text).replace("_", " ").lower()
    named = [phase for phase, words in PHASES.items() if re.search(words, text)]
    # "late arterial" and "venous, delayed" are no single phase
    return named[0] if len(named) == 1 else None


def phase_at(injected: object, acquired: object) -> str | None:
    """The contrast phase by DICOM's times of injection (ContrastBolusStartTime) and acquisition."""
    start, at = seconds_of(injected), seconds_of(acquired)
    if start is None or at is None:
        return None
    delay = at - start
    return next((phase for phase, (a, b) in WINDOWS_S.items() if a <= delay <= b), None)


def seconds_of(time: object) -> float | None:
    """A time of DICOM (HHMMSS.ffffff) in seconds of its day, None where it is not one."""
    text = str(time or "").split(".")[0]
    if len(text) != 6 or not text.isdigit():
        return None
    return int(text[:2]) * 3600 + int(text[2:4]) * 60 + int(text[4:])


def unmet(facts: Mapping, criteria: Mapping) -> list[str]:
    """What speaks against including a CT; empty where all criteria are met.

    Parameters
    ----------
    facts : of `import_ct`: slice_thickness_mm, spacing_mm, kernel, phase
    criteria : the config's `imaging.inclusion`: `max_slice_thickness_mm`, `max_slice_step_mm`, `kernels`
        and `phases` (null: any), `unknown` (keep or exclude what a CT does not say)
    """
    reasons = []

    def check(fact: str, met: bool | None) -> None:
        value = known[fact]
        if value is None and criteria["unknown"] == "exclude":
            reasons.append(f"{TITLES[fact]} not known")
        elif value is not None and not met:
            shown = f"{value:g} mm" if isinstance(value, float) else value
            reasons.append(f"{TITLES[fact]} {shown}")

    known = {fact: facts.get(fact) for fact in TITLES}
    for fact in ("slice_thickness_mm", "slice_step_mm"):
        limit, value = criteria[f"max_{fact}"], known[fact]
        if limit is not None:
            check(fact, value is not None and value <= limit + 0.05)
    for fact, wanted in (("kernel", criteria["kernels"]), ("phase", criteria["phases"])):
        if wanted is not None:
            names = [str(name).lower() for name in wanted]
            check(fact, str(known[fact] or "").lower() in names)
    return reasons
