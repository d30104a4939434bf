"""The files of readers are checked, and every mistake names file and key."""

import json

import numpy as np
import pytest
from helpers.ct_images import ct_and_mask
from helpers.refusals import refused
from helpers.reviews import review_of, saved
from livermets.lesions.components import label_lesions
from livermets.review.decisions import read_readings


@pytest.fixture(scope="module")
def review() -> dict:
    return review_of(label_lesions(*ct_and_mask())[1], delete={2: "vessel"})


def test_a_saved_review_is_read_as_it_was_decided(tmp_path, review):
    path = saved(tmp_path, "P01.json", review)
    (reading,) = read_readings([path], "P01")
    assert (reading.reader, reading.decision, reading.decides) == ("Anna", "accept", True)
    assert [lesion["decision"] for lesion in reading.lesions] == ["keep", "delete"]
    assert not read_readings([saved(tmp_path, "P01.anna.json", review)], "P01")[0].decides


def changed(review: dict, path: str, value) -> dict:
    """The review with one value changed (or removed, with None)."""
    copy = json.loads(json.dumps(review))
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = copy
    for part in parents:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("decision", "accepted", ["`decision`", "'accepted'", "exclude"]),
        ("decision", "exclude", ["`reason`", "exclusion"]),
        ("decision", None, ["no `decision`"]),
        ("reader", "  ", ["`reader` is empty"]),
        ("lesions.1.reason", None, ["`lesions[1]` lacks `reason`"]),
        ("lesions.1.reason", " ", ["`lesions[1].reason` is empty"]),
        ("lesions.0.volume_ml", "big", ["`lesions[0].volume_ml`", "'big'"]),
        ("lesions.0.volume_ml", 0, ["`lesions[0].volume_ml`"]),
        ("lesions.0.lesion", 2, ["lists lesion 2 twice"]),
        ("lesions.0.remark", "x", ["`lesions[0].remark` is not a key"]),
        ("remark", "x", ["`remark` is not a key", "note"]),
        ("version", 2, ["`version`"]),
        ("date", "yesterday", ["`date`", "2026-01-31"]),
        ("scan", "P02", ["`scan` is 'P02'", "another scan", "P02.json"]),
    ],
    ids=[
        "unknown decision", "exclusion without reason", "no decision", "blank reader",
        "deletion without reason", "blank reason", "volume in words", "no volume", "lesion twice",
        "unknown key of a lesion", "unknown key", "later version", "date in words", "other scan",
    ],
)  # fmt: skip
def test_an_edited_file_is_refused_with_its_name_and_key(tmp_path, review, path, value, words):
    file = saved(tmp_path, "P01.json", changed(review, path, value))
    with refused(str(file), *words):
        read_readings([file], "P01")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"version": 1,', ["is no JSON", "line 1"]),
        ("[]", ["is not of type 'object'"]),
        ('{"decision": "accept", "decision": "exclude"}', ["`decision` stands there twice"]),
        ('{"version": NaN}', ["NaN is no number"]),
    ],
    ids=["cut off", "a list", "a key twice", "not a number"],
)
def test_a_broken_file_is_refused_with_its_name(tmp_path, text, words):
    file = saved(tmp_path, "P01.json", text)
    with refused(str(file), *words):
        read_readings([file], "P01")


def test_one_reader_in_two_files_is_refused_with_both(tmp_path, review):
    files = [saved(tmp_path, name, review) for name in ("P01.json", "P01.anna.json")]
    with refused("P01.json and P01.anna.json", "both by Anna"):
        read_readings(files, "P01")


def test_a_file_that_notepad_saved_with_a_byte_order_mark_is_read(tmp_path, review):
    path = tmp_path / "P01.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(review).encode())
    assert read_readings([path], "P01")[0].reader == "Anna"
    path.write_bytes(np.arange(200, 256, dtype=np.uint8).tobytes())
    with refused(str(path), "is no JSON"):
        read_readings([path], "P01")
