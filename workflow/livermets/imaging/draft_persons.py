"""Tells which series are of one person, by what their headers still say.

A patient id tells it where it is one; exports for research often leave it empty or ANONYMOUS. Then
the study, the frame of reference, name and birth date tell it. Where they do not, the person who
drafts the cohort is asked. Names and dates are hashed as soon as they are read and never written.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pydicom

from livermets.imaging.dicom_headers import value_of
from livermets.imaging.series_identity import hashed, stated_birth_date, stated_id, stated_name

MAX_STUDIES = 2  # of a tree of one person without name and birth date
MAX_IDS = 2  # a name, date or UID that more patient ids share was put there by an anonymiser


class PersonFacts(NamedTuple):
    """What a header says of the person, hashed; "" for what it does not say.

    `id` has digits (a word alone, such as LIVER, may stand for everyone and is a `word`). `coarse`
    is whether the birth date is that of a year only (1 January), `day` the date of the study.
    """

    id: str
    word: str
    study: str
    frame: str
    birth: str
    sex: str
    name: str
    coarse: bool
    day: str = ""


@dataclass
class Person:
    """One person: the positions of their series, and what is unsure about it.

    `doubts` are texts, each with the position of another person that it is about, or None.
    """

    members: list[int] = field(default_factory=list)
    doubts: list[tuple[str, int | None]] = field(default_factory=list)


def person_facts(header: pydicom.Dataset, folder: Path) -> PersonFacts:
    """What a header says of its person, hashed; a study without UID is that of its folder."""
    patient, name, birth = stated_id(header), stated_name(header), stated_birth_date(header)
    sex = str(value_of(header, "PatientSex") or "").strip()
    study, frame, day = (
        str(value_of(header, key) or "")
        for key in ("StudyInstanceUID", "FrameOfReferenceUID", "StudyDate")
    )
    has_digit = any(map(str.isdigit, patient))
    return PersonFacts(
        id=hashed("id", patient if has_digit else ""),
        word=hashed("word", "" if has_digit else patient),
        study=hashed("study", study or f"folder {folder}"),
        frame=hashed("frame", frame),
        birth=hashed("birth", birth),
        sex=sex if sex in ("M", "F") else "",
        name=hashed("name", name),
        coarse=birth.endswith("0101"),
        day=hashed("day", day),
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

UIDS = ("study", "frame of reference")


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
            if kind in UIDS and len({self.facts[one].day for one in members} - {""}) > 1:
                self._join_by_day(kind, members)
            else:
                self._join_members(kind, certain, members)

    def _join_members(self, kind: str, certain: bool, members: Sequence[int]) -> None:
        """Join the groups of these series, unless what they state is contradictory."""
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

    def _join_by_day(self, kind: str, members: Sequence[int]) -> None:
        """Join only series of one day, and ask: a UID of one study or frame has one date."""
        days: dict[str, list[int]] = defaultdict(list)
        for series in members:
            days[self.facts[series].day].append(series)
        for own in days.values():
            self._join_members(f"{kind} with its date", False, own)
        roots = list(dict.fromkeys(map(self.root, members)))
        for root in roots[1:]:
            self._ask_both(kind, "study date", roots[0], root)
        stated = self.stated[roots[0]]
        if len(roots) == 1 and not (stated["name"] or stated["birth date"]):
            self.doubts.append((roots[0], f"one {kind} has several study dates", None))

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
        if not certain:
            self.doubts.append((a, f"only the {kind} says that its scans are of one person", None))
        elif ids[0] and ids[1] and not ids[0] & ids[1]:
            self.doubts.append((a, f"two patient ids have one {kind}", None))
        elif self._contradiction("", a, b) == "name":
            self.doubts.append((a, "two names have one patient id, and no birth date", None))
        self.parent[b] = a
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
        if len(persons) == 1 and self._is_of_everyone():
            next(iter(persons.values())).doubts.append(
                (
                    "all studies are one patient's, and no name or birth date says so",
                    None,
                )
            )
        return list(persons.values())

    def _is_of_everyone(self) -> bool:
        """Whether one id or UID may be that of several persons: many studies, and no name."""
        named = any(one.name or one.birth for one in self.facts)
        return not named and len({one.study for one in self.facts}) > MAX_STUDIES

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
