"""The folder of reviews: every file in it belongs to a scan of the sheet."""

import json

import pytest
from helpers.refusals import refused
from livermets.study.reviews import (
    decides_alone,
    excluded_by_readers,
    find_reviews,
    refuse_strange_reviews,
)

SCANS = ["P01", "P02", "P03@baseline"]


def test_the_reviews_of_a_scan_are_found_the_deciding_one_first(tmp_path):
    names = ["P01.ben.json", "P01.json", "P01.anna.json", "P010.json", "P02.json", ".P01.json"]
    for name in [*names, "P03@baseline.json"]:
        (tmp_path / name).touch()
    found = find_reviews(tmp_path)["P01"]
    assert [path.name for path in found] == ["P01.json", "P01.anna.json", "P01.ben.json"]
    assert [decides_alone(path) for path in found] == [True, False, False]
    assert [p.name for p in find_reviews(tmp_path)["P03@baseline"]] == ["P03@baseline.json"]
    assert find_reviews(tmp_path / "absent") == {}


def test_reviews_of_scans_and_hidden_files_pass(tmp_path):
    for name in ("P01.json", "P01.b-n.json", "P03@baseline.json", ".DS_Store"):
        (tmp_path / name).touch()
    refuse_strange_reviews(tmp_path, SCANS)
    refuse_strange_reviews(tmp_path / "absent", SCANS)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("P09.json", ["no patient in the cohort sheet", "`exclude`"]),
        ("p01.json", ["P01.json"]),
        ("P01 (1).json", ["second download", "P01.json", "P01.NAME.json"]),
        ("P01.anna (1).json", ["second download", "P01.NAME.json"]),
        ("P01.Anna Bell.json", ["P01.NAME.json"]),
        ("P01.txt", ["P01.json"]),
        ("P03.json", ["no patient"]),
    ],
    ids=["patient left the sheet", "lower case", "downloaded twice", "reader's, downloaded twice",
         "a space", "other ending", "patient without the scan"],
)  # fmt: skip
def test_a_review_of_nobody_is_refused_with_what_to_do(tmp_path, name, words):
    (tmp_path / name).touch()
    with refused(name, *words):
        refuse_strange_reviews(tmp_path, SCANS)


@pytest.mark.parametrize(
    ("decisions", "excluded"),
    [
        ({}, False),
        ({"P01.json": "exclude"}, True),
        ({"P01.json": "correct"}, False),
        ({"P01.anna.json": "exclude", "P01.ben.json": "exclude"}, True),
        ({"P01.anna.json": "exclude", "P01.ben.json": "accept"}, False),
        ({"P01.json": "accept", "P01.anna.json": "exclude", "P01.ben.json": "exclude"}, False),
        ({"P01.json": "exclude", "P01.anna.json": "accept"}, True),
    ],
    ids=[
        "nobody",
        "one",
        "correction",
        "both",
        "one of two",
        "settled to keep",
        "settled to leave",
    ],
)
def test_a_scan_is_out_where_the_deciding_file_or_all_readers_say_so(tmp_path, decisions, excluded):
    for name, decision in decisions.items():
        (tmp_path / name).write_text(json.dumps({"decision": decision}))
    assert excluded_by_readers(find_reviews(tmp_path).get("P01", [])) is excluded


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "null"], ids=["empty", "list", "object", "null"]
)
def test_a_review_without_a_decision_is_refused_with_its_file(tmp_path, content):
    path = tmp_path / "P01.json"
    path.write_text(content)
    with refused("P01.json", "`decision`", "save the review again"):
        excluded_by_readers([path])
