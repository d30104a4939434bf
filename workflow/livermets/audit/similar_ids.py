"""Similar ids: patient ids that may name one person, such as P1 and p-01, or 151_a and 151_b."""

import re
from collections import defaultdict
from collections.abc import Iterable

from livermets.study.patient_ids import without_zeros

# What follows the id of a person who stands twice: `_a`, `-2`, `_pre`, or a letter after a digit.
SUFFIX = re.compile(
    r"(?P<person>.*\d)(?:[-_ .](?P<part>[a-z]{1,6}|\d{1,2}|[a-z]\d)|(?P<letter>[a-z]))"
)
MAX_PER_PERSON = 4  # ids of one person; where some have more, what stands first is a site or study


def similar_ids(patients: Iterable[str]) -> list[tuple[str, ...]]:
    """Find groups of ids that differ in spelling, or in what follows the same number.

    >>> similar_ids(["P1", "p-01", "P2"])
    [('P1', 'p-01')]
    >>> similar_ids(["150", "151_a", "151_b"])
    [('151_a', '151_b')]
    """
    patients = list(dict.fromkeys(patients))
    groups = [*_by_spelling(patients), *_by_person(patients)]
    return list(dict.fromkeys(tuple(group) for group in groups))


def _by_spelling(patients: list[str]) -> list[list[str]]:
    """Ids that differ only in case, zeros or punctuation."""
    by_plain_id = defaultdict(list)
    for patient in patients:
        letters_and_digits = re.sub(r"[^a-z0-9]", "", patient.casefold())
        by_plain_id[without_zeros(letters_and_digits)].append(patient)
    return [ids for ids in by_plain_id.values() if len(ids) > 1]


def _by_person(patients: list[str]) -> list[list[str]]:
    """Ids with the same beginning before a suffix, and that beginning itself.

    `01-02` is the second patient of the first site where other sites have many patients, so
    suffixes of digits and of letters are each judged by the largest group.
    """
    asked = []
    plain = {without_zeros(patient.casefold()): patient for patient in patients}
    for digits in (True, False):
        by_person = defaultdict(list)
        for patient in patients:
            match = SUFFIX.fullmatch(patient.casefold())
            if match and (match["part"] or match["letter"]).isdigit() == digits:
                by_person[without_zeros(match["person"])].append(patient)
        if by_person and max(map(len, by_person.values())) > MAX_PER_PERSON:
            continue
        for person, ids in by_person.items():
            group = [plain[person], *ids] if person in plain else ids
            if len(group) > 1:
                asked.append(group)
    return asked
