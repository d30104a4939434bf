"""The contrast phase of a series, from its description or from the time since the injection."""

import re
import time
from typing import TYPE_CHECKING

from livermets.imaging.series_description import other_region, plain_text

if TYPE_CHECKING:
    import pydicom  # takes half a second, which a job that asks for a name alone would pay as well

PORTAL_VENOUS = "portal venous"
# Words of series descriptions, in English and German
PHASE_WORDS = {
    PORTAL_VENOUS: r"portal|\bpvp?\b|\bven\b|venous|ven(ö|oe|o)s|\b(6[05]|7[05]|80) ?s(ec)?\b",
    "arterial": r"arter|\bart\b|\bcta\b|(?<!non.)(?<!non)angio",
    "native": r"nativ|non.?contrast|without contrast|unenhanced|\bnc\b|plain|ohne km",
    "delayed": r"delay|\blate\b|equilib|sp(ä|ae)t|\b([2-9]|1[05]) ?min\b|excret",
}
LATE_ARTERIAL = r"(\blate|sp(ä|ae)t)[ -]*(?=arter)"  # an arterial phase, not a delayed one
PORTAL = r"portal|\bpvp?\b"  # what names the portal vein, where "venous" alone may be another vein
# Seconds from the start of the injection, around those of ACR's LI-RADS v2018 for CT
PHASE_DELAYS_S = {"arterial": (15, 45), PORTAL_VENOUS: (55, 100), "delayed": (120, 900)}


def contrast_phase(header: "pydicom.Dataset") -> str | None:
    """The contrast phase that a DICOM header states, None if it states none or several.

    The description of the series comes before its protocol, which may list the phases of the whole
    examination; the time since the injection tells where both name none or several.
    """
    description, protocol = header.get("SeriesDescription"), header.get("ProtocolName")
    phases = phases_from_text(description, protocol) or phases_from_text(protocol, description)
    if len(phases) == 1:
        return phases[0]
    return phase_from_times(header.get("ContrastBolusStartTime"), header.get("AcquisitionTime"))


def phases_from_text(text: object, context: object = None) -> list[str]:
    """The contrast phases that a series description names.

    "Venous" without the portal vein is not portal venous if the text also names a delay ("venous
    delayed 3 min") or another region of the body than the abdomen ("chest venous").

    Parameters
    ----------
    text : object
        The description, None if there is none.
    context : object
        A second text that may name the region of the body.
    """
    words = re.sub(LATE_ARTERIAL, "", plain_text(text))
    phases = [phase for phase, pattern in PHASE_WORDS.items() if re.search(pattern, words)]
    another_vein = "delayed" in phases or other_region(text, context)
    if PORTAL_VENOUS in phases and another_vein and not re.search(PORTAL, words):
        phases.remove(PORTAL_VENOUS)
    return phases


def phase_from_times(injection: object, acquisition: object) -> str | None:
    """The contrast phase by the seconds from injection to acquisition (DICOM times).

    None if a time is missing or the delay lies between the phases.
    """
    start, end = seconds_of_day(injection), seconds_of_day(acquisition)
    if start is None or end is None:
        return None
    windows = PHASE_DELAYS_S.items()
    return next((phase for phase, (low, high) in windows if low <= end - start <= high), None)


def seconds_of_day(moment: object) -> int | None:
    """A DICOM time (HHMMSS.ffffff) as whole seconds since midnight, None if it is not one.

    Times without seconds are legal in DICOM, but too coarse to tell a contrast phase by.
    """
    text = str(moment or "").partition(".")[0]
    if len(text) != 6 or not text.isdecimal():
        return None
    try:
        clock = time.strptime(text, "%H%M%S")  # knows leap seconds, as DICOM does
    except ValueError:
        return None
    return clock.tm_hour * 3600 + clock.tm_min * 60 + clock.tm_sec
