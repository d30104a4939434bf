"""The contrast phase of a series, from its description or from the time since the injection."""

import re
import warnings

import pydicom
from pydicom.valuerep import TM

# Words of series descriptions, in English and German
PHASE_WORDS = {
    "portal venous": r"portal|\bpvp?\b|\bven\b|venous|ven(ö|oe|o)s|\b(6[05]|7[05]|80) ?s(ec)?\b",
    "arterial": r"arter|\bart\b|\bcta\b|(?<!non.)(?<!non)angio",
    "native": r"nativ|non.?contrast|without contrast|unenhanced|\bnc\b|plain|ohne km",
    "delayed": r"delay|late|equilib|sp(ä|ae)t|\b(3|5) ?min\b|excret",
}
# Seconds from the start of the injection, around those of ACR's LI-RADS v2018 for CT
PHASE_DELAYS_S = {"arterial": (15, 45), "portal venous": (55, 100), "delayed": (120, 900)}


def contrast_phase(header: pydicom.Dataset) -> str | None:
    """The contrast phase that a DICOM header states, None if it states none or several."""
    return phase_from_text(
        header.get("SeriesDescription"), header.get("ProtocolName")
    ) or phase_from_times(header.get("ContrastBolusStartTime"), header.get("AcquisitionTime"))


def phase_from_text(*texts: object) -> str | None:
    """The contrast phase that series descriptions name, None if they name none or several.

    "late arterial" and "venous, delayed" name two phases.
    """
    text = " ".join(str(text) for text in texts if text).replace("_", " ").lower()
    phases = [phase for phase, words in PHASE_WORDS.items() if re.search(words, text)]
    return phases[0] if len(phases) == 1 else None


def phase_from_times(injection: object, acquisition: object) -> str | None:
    """The contrast phase by the seconds from injection to acquisition (DICOM times).

    None if a time is missing or the delay lies between the phases.
    """
    start, end = seconds_of_day(injection), seconds_of_day(acquisition)
    if start is None or end is None:
        return None
    windows = PHASE_DELAYS_S.items()
    return next((phase for phase, (low, high) in windows if low <= end - start <= high), None)


def seconds_of_day(time: object) -> int | None:
    """A DICOM time (HHMMSS.ffffff) as whole seconds since midnight, None if it is not one.

    Times without seconds are legal in DICOM, but too coarse to tell a contrast phase by.
    """
    text = str(time or "").partition(".")[0]
    if len(text) != 6:
        return None
    try:
        with warnings.catch_warnings():  # pydicom warns of a leap second
            warnings.simplefilter("ignore")
            clock = TM(text)
    except ValueError:
        return None
    return None if clock is None else clock.hour * 3600 + clock.minute * 60 + clock.second
