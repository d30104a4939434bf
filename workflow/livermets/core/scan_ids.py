"""Ids of scans, which name the files of a scan and stand in records, messages and wildcards.

The id of a scan is the id of its patient where the cohort sheet has no column `scan`. With the
column it is patient and scan, joined by `@`: `P01@baseline`. Neither of them can hold an `@`, so no
two scans share an id, and the patient can be read from it.
"""

SEPARATOR = "@"


def scan_id(patient: str, scan: str = "") -> str:
    """Join the id of a patient and the name of a scan; without a name it is the patient's id.

    >>> scan_id("P01", "baseline")
    'P01@baseline'
    """
    return f"{patient}{SEPARATOR}{scan}" if scan else patient


def patient_of(scan: str) -> str:
    """Read the patient from the id of a scan."""
    return scan.partition(SEPARATOR)[0]


def scan_name(scan: str) -> str:
    """Read the name of the scan from its id; "" where the sheet has no column `scan`."""
    return scan.partition(SEPARATOR)[2]


def id_columns(scan: str) -> dict[str, str]:
    """Write the id of a scan as the columns of a table: patient, and scan where it has a name.

    >>> id_columns("P01@baseline")
    {'patient': 'P01', 'scan': 'baseline'}
    """
    name = scan_name(scan)
    return {"patient": patient_of(scan), **({"scan": name} if name else {})}


def in_words(scan: str) -> str:
    """Write the id of a scan as messages do.

    >>> in_words("P01@baseline"), in_words("P01")
    ('P01, scan baseline', 'P01')
    """
    name = scan_name(scan)
    return f"{patient_of(scan)}, scan {name}" if name else scan
