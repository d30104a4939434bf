"""Which series are of one person, and that a person is asked where the headers do not tell."""

from pathlib import Path

import pydicom
import pytest
from livermets.imaging.draft_persons import group_persons, person_facts


def header(patient="", study="", frame="", birth="", sex="", name="", day="") -> pydicom.Dataset:
    made = pydicom.Dataset()
    made.PatientID, made.StudyInstanceUID, made.FrameOfReferenceUID = patient, study, frame
    made.PatientBirthDate, made.PatientSex, made.PatientName = birth, sex, name
    made.StudyDate = day
    return made


def persons(*headers: pydicom.Dataset) -> tuple[list[list[int]], list[bool]]:
    """Positions of the series of each person, and whether something about the person is unsure."""
    facts = [person_facts(one, Path(f"folder{n}")) for n, one in enumerate(headers)]
    groups = group_persons(facts)
    return [one.members for one in groups], [bool(one.doubts) for one in groups]


PLACEHOLDERS = ["", "ANONYMOUS", "anonymized", "Anon^", "UNKNOWN", "000000", "XXX", "n/a", "No ID"]


@pytest.mark.parametrize("patient", PLACEHOLDERS, ids=lambda text: text or "empty")
def test_an_id_that_is_no_id_does_not_join_persons_and_the_study_does(patient):
    one = {"patient": patient, "birth": "19470811", "sex": "M", "name": "Doe^Jane"}
    other = {"patient": patient, "birth": "19510203", "sex": "M", "name": "Roe^Mary"}
    joined, unsure = persons(
        header(study="1.1", **one), header(study="1.1", **one), header(study="1.2", **other)
    )
    assert joined == [[0, 1], [2]]
    assert unsure == [False, False]


JOINED = {
    "one study": [{"study": "1.1"}, {"study": "1.1", "sex": "F"}],
    "one frame of reference": [{"study": "1.1", "frame": "9"}, {"study": "1.2", "frame": "9"}],
    "one id": [{"patient": "4711", "study": "1.1"}, {"patient": "4711", "study": "1.2"}],
    "one name and birth date": [
        {"study": "1.1", "name": "Doe^Jane", "birth": "19470811"},
        {"study": "1.2", "name": "DOE, JANE", "birth": "19470811"},
    ],
    "an id in one export only": [
        {"study": "1.1", "patient": "4711", "name": "Doe^Jane", "birth": "19470811"},
        {"study": "1.2", "name": "Doe^Jane", "birth": "19470811"},
    ],
}


@pytest.mark.parametrize("tags", JOINED.values(), ids=JOINED)
def test_what_headers_still_say_tells_one_person(tags):
    assert persons(*(header(**one) for one in tags)) == ([[0, 1]], [False])


ASKED = {
    "birth date and sex alone": [
        {"study": "1.1", "birth": "19470811", "sex": "F"},
        {"study": "1.2", "birth": "19470811", "sex": "F"},
    ],
    "a name alone": [{"study": "1.1", "name": "Doe^Jane"}, {"study": "1.2", "name": "Doe^Jane"}],
    "an id that is a word": [{"study": "1.1", "patient": "LIVER"},
                             {"study": "1.2", "patient": "LIVER"}],
    "one id with two names": [
        {"patient": "1", "name": "Doe^Jane"}, {"patient": "1", "name": "Roe^Mary"},
    ],
    "one id and one study on two days": [
        {"patient": "1", "study": "1.1", "day": "20200101"},
        {"patient": "1", "study": "1.1", "day": "20200301"},
    ],
    "one id for all studies of a folder": [
        {"patient": "1", "study": "1.1"}, {"patient": "1", "study": "1.2"},
        {"patient": "1", "study": "1.3"},
    ],
    "two ids of one name and birth date": [
        {"study": "1.1", "patient": "A1", "name": "Doe^Jane", "birth": "19470811"},
        {"study": "1.2", "patient": "B2", "name": "Doe^Jane", "birth": "19470811"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("tags", ASKED.values(), ids=ASKED)
def test_where_little_says_that_it_is_one_person_they_are_joined_and_a_person_is_asked(tags):
    assert persons(*(header(**one) for one in tags)) == ([list(range(len(tags)))], [True])


APART = {
    "nothing but the study": ([{"study": "1.1"}, {"study": "1.2"}], [True, True]),
    "nothing at all": ([{}, {}], [True, True]),
    "an id and no id": ([{"study": "1.1", "patient": "7"}, {"study": "1.2"}], [False, True]),
    "one id and two birth dates": (
        [{"patient": "7", "birth": "19470811"}, {"patient": "7", "birth": "19510203"}],
        [True, True],
    ),
    "one study and two birth dates": (
        [{"study": "1.1", "birth": "19470811"}, {"study": "1.1", "birth": "19510203"}],
        [True, True],
    ),
    "one study UID on two days": (
        [{"study": "1.1", "day": "20200101"}, {"study": "1.1", "day": "20200301"}],
        [True, True],
    ),
    "one frame of reference on two days": (
        [{"study": "1.1", "frame": "9", "day": "20200101"},
         {"study": "1.2", "frame": "9", "day": "20200301"}],
        [True, True],
    ),
    "birth dates of a year only": (
        [{"study": "1.1", "birth": "19470101", "sex": "F"},
         {"study": "1.2", "birth": "19470101", "sex": "F"}],
        [False, False],
    ),
    "namesakes": (
        [{"study": "1.1", "patient": "7", "name": "Doe^Jane"},
         {"study": "1.2", "patient": "8", "name": "Doe^Jane"}],
        [False, False],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("tags", "unsure"), APART.values(), ids=APART)
def test_persons_who_may_be_two_stay_apart_and_a_person_is_asked_where_they_may_be_one(
    tags, unsure
):
    assert persons(*(header(**one) for one in tags)) == ([[0], [1]], unsure)


def test_a_value_that_an_anonymiser_put_into_every_header_joins_nobody():
    same = {"study": "1.2.3", "frame": "4", "name": "Case", "birth": "19600505", "sex": "M"}
    joined, unsure = persons(*(header(patient=f"R{n}", **same) for n in range(5)))
    assert joined == [[0], [1], [2], [3], [4]]
    assert not any(unsure)


def test_a_constant_study_uid_joins_the_series_of_one_day_and_asks_about_each():
    days = ["20200101", "20200101", "20200301"]
    joined, unsure = persons(*(header(study="1.1", day=day) for day in days))
    assert joined == [[0, 1], [2]]
    assert unsure == [True, True]


def test_a_married_name_or_a_follow_up_of_a_person_with_a_birth_date_asks_nothing():
    one = {"patient": "7", "birth": "19470811"}
    names = ("Doe^Jane", "Roe^Jane", "Roe^Jane")
    headers = [header(study=f"1.{n}", name=name, **one) for n, name in enumerate(names)]
    assert persons(*headers) == ([[0, 1, 2]], [False])


def test_a_tree_of_one_nameless_study_asks_nothing():
    assert persons(header(study="1.1"), header(study="1.1")) == ([[0, 1]], [False])


def test_nothing_that_a_header_says_can_be_read_from_what_is_kept():
    secrets = ("MRN98765432", "1.2.840.4711", "19470811", "Zyxwvut^Qwertz")
    facts = person_facts(
        header(secrets[0], secrets[1], secrets[1], secrets[2], "F", secrets[3]), Path("x")
    )
    assert not [secret for secret in secrets if secret.lower() in str(facts).lower()]
