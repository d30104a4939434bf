"""Tells which series are of one person, by what their headers still say.

A patient id tells it where it is one; exports for research often leave it empty or ANONYMOUS. Then
the study, the frame of reference, name and birth date tell it. Where they do not, the person who
drafts the cohort is asked. Names and dates are hashed as soon as they are read and never written.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pydicom

from livermets.imaging.dicom_headers import value_of

PLACEHOLDER = re.compile(  # ids and names that stand for no person; letters and digits alone
    r"|anon|anony[a-z]*|pseudony[a-z]*|deident[a-z]*|unknown|unbekannt|none|null|na|nan|nn|no(id|name)|"
    r"unnamed|removed|redacted|hidden|confidential|test[a-z]*|dummy|patient(id|name)?|id|name|x+|0+"
)
NO_BIRTH_DATES = {"19000101", "19700101", "00010101", "11111111", "99991231", "00000000"}
HASH_DIGITS = 16  # hexadecimal ones
MAX_IDS = 2  # a name, date or UID that more patient ids share was put there by an anonymiser


class PersonFacts(NamedTuple):
    """What a header says of the person, hashed; "" for what it does not say.

    `id` has digits (a word alone, such as LIVER, may stand for everyone and is a `word`). `coarse`
    is whether the birth date is that of a year only (1 January).
    """

    id: str
    word: str
    study: str
    frame: str
    birth: str
    sex: str
    name: str
    coarse: bool


@dataclass
class Person:
    """One person: the positions of their series, and what is unsure about it.

    `doubts` are texts, each with the position of another person that it is about, or None.
    """

    members: list[int] = field(default_factory=list)
    doubts: list[tuple[str, int | None]] = field(default_factory=list)


def person_facts(header: pydicom.Dataset, folder: Path) -> PersonFacts:
    """What a header says of its person, hashed; a study without UID is that of its folder."""
    keys = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")
    patient, name, birth, sex = (str(value_of(header, key) or "").strip() for key in keys)
    study, frame = (
        str(value_of(header, key) or "") for key in ("StudyInstanceUID", "FrameOfReferenceUID")
    )
    letters = _letters(patient)
    patient = "" if PLACEHOLDER.fullmatch(letters) else patient
    name = "" if PLACEHOLDER.fullmatch(_letters(name)) else _letters(name)
    birth = birth if len(birth) == 8 and birth.isdecimal() and birth not in NO_BIRTH_DATES else ""
    has_digit = any(map(str.isdigit, patient))
    return PersonFacts(
        id=_hash("id", patient if has_digit else ""),
        word=_hash("word", "" if has_digit else patient),
        study=_hash("study", study or f"folder {folder}"),
        frame=_hash("frame", frame),
        birth=_hash("birth", birth),
        sex=sex if sex in ("M", "F") else "",
        name=_hash("name", name),
        coarse=birth.endswith("0101"),
    )


def group_persons(facts: Sequence[PersonFacts]) -> list[Person]:
    """Group series by person.

    Parameters
    ----------
    facts : sequence of PersonFacts
        One a series.

    Returns
    -------
    list of Person
        In the order of their first series. A group has doubts where its series were joined by
        little, where what they state is contradictory, or where nothing says that it is not the
        person of another group.
    """
    groups = _Groups(facts)
    for kind, certain, key in KEYS:
        groups.join(kind, certain, key)
    return groups.persons()


def _name_and_birth(facts: PersonFacts) -> str:
    return facts.name and facts.birth and facts.name + facts.birth


def _birth_and_sex(facts: PersonFacts) -> str:
    return "" if facts.coarse else facts.birth and facts.sex and facts.birth + facts.sex


# What tells one person, the surest first; whether it is certain; and the value that is shared
KEYS: tuple[tuple[str, bool, Callable[[PersonFacts], str]], ...] = (
    ("patient id", True, lambda facts: facts.id),
    ("study", True, lambda facts: facts.study),
    ("frame of reference", True, lambda facts: facts.frame),
    ("name and birth date", True, _name_and_birth),
    ("patient id (a word without digits)", False, lambda facts: facts.word),
    ("name", False, lambda facts: facts.name),
    ("birth date and sex", False, _birth_and_sex),
)


class _Groups:
    """Series joined into persons step by step; a group is named by its first series."""

    def __init__(self, facts: Sequence[PersonFacts]) -> None:
        self.facts = facts
        self.parent = list(range(len(facts)))
        self.stated = [
            {
                key: {value} - {""}
                for key, value in (
                    ("patient id", one.id or one.word),
                    ("birth date", one.birth),
                    ("sex", one.sex),
                    ("name", one.name),
                )
            }
            for one in facts
        ]
        self.doubts: list[tuple[int, str, int | None]] = []

    def root(self, series: int) -> int:
        while self.parent[series] != series:
            self.parent[series] = self.parent[self.parent[series]]
            series = self.parent[series]
        return series

    def join(self, kind: str, certain: bool, key: Callable[[PersonFacts], str]) -> None:
        """Join the groups that share a value, unless what they state is contradictory."""
        shared: dict[str, list[int]] = defaultdict(list)
        for series, one in enumerate(self.facts):
            if value := key(one):
                shared[value].append(series)
        for members in shared.values():
            ids = {self.facts[series].id for series in members} - {""}
            if kind != "patient id" and len(ids) > MAX_IDS:
                continue
            places: list[int] = []
            for root in dict.fromkeys(map(self.root, members)):
                differing = {place: self._contradiction(kind, place, root) for place in places}
                fitting = next((place for place in places if not differing[place]), None)
                if fitting is None:
                    if places and certain:
                        self._ask_both(kind, differing[places[0]], places[0], root)
                    places.append(root)
                    continue
                self._unite(fitting, root, kind, certain)

    def _contradiction(self, kind: str, a: int, b: int) -> str:
        """What differs between two groups so that they cannot be one person, "" if nothing does."""

        def differ(key: str) -> bool:
            one, other = self.stated[a][key], self.stated[b][key]
            return bool(one and other and not one & other)

        if kind != "name and birth date" and differ("patient id"):
            return "patient id"
        for key in ("birth date", "sex"):
            if differ(key):
                return key
        by_name = kind != "patient id" and not (
            self.stated[a]["birth date"] & self.stated[b]["birth date"]
        )
        return "name" if by_name and differ("name") else ""

    def _unite(self, a: int, b: int, kind: str, certain: bool) -> None:
        ids = self.stated[a]["patient id"], self.stated[b]["patient id"]
        self.parent[b] = a
        if not certain:
            self.doubts.append((a, f"only the {kind} says that its scans are of one person", None))
        elif ids[0] and ids[1] and not ids[0] & ids[1]:
            self.doubts.append((a, f"two patient ids have one {kind}", None))
        for key, values in self.stated[b].items():
            self.stated[a][key] |= values

    def _ask_both(self, kind: str, differing: str, a: int, b: int) -> None:
        for one, other in ((a, b), (b, a)):
            text = f"the {kind} is that of {{other}}, but the {differing} differs"
            self.doubts.append((one, text, other))

    def persons(self) -> list[Person]:
        """The groups, with the doubts about each."""
        persons: dict[int, Person] = {}
        for series in range(len(self.facts)):
            persons.setdefault(self.root(series), Person()).members.append(series)
        places = {root: place for place, root in enumerate(persons)}
        for series, text, other in self.doubts:
            doubt = text, None if other is None else places[self.root(other)]
            doubts = persons[self.root(series)].doubts
            if doubt not in doubts:
                doubts.append(doubt)
        for root in self._nameless(persons):
            persons[root].doubts.append(
                ("no patient id, and nothing says that it is not a patient of another row", None)
            )
        return list(persons.values())

    def _nameless(self, roots: Iterable[int]) -> list[int]:
        """Groups without id whose name and birth date cannot be compared with all others."""
        roots = list(roots)
        profiles: dict[tuple[bool, bool], int] = defaultdict(int)
        profile = {}
        for root in roots:
            stated = self.stated[root]
            profile[root] = bool(stated["birth date"]), bool(stated["name"])
            profiles[profile[root]] += 1
        nameless = []
        for root in roots:
            birth, name = profile[root]
            comparable = sum(
                count for (b, n), count in profiles.items() if (birth and b) or (name and n)
            )
            if not self.stated[root]["patient id"] and comparable < len(roots) and len(roots) > 1:
                nameless.append(root)
        return nameless


def _letters(text: str) -> str:
    """Letters and digits alone in lower case, so that Doe^Jane and DOE, JANE are equal."""
    return "".join(filter(str.isalnum, text.casefold()))


def _hash(kind: str, value: str) -> str:
    text = f"livermets/{kind}/{value}"
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS] if value else ""
