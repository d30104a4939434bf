"""What becomes of lesions and scans that readers decided about."""

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_and_mask, edited
from helpers.reviews import review_of, saved
from livermets.lesions.components import label_lesions
from livermets.review.decisions import read_readings
from livermets.review.settled_review import apply_readings


@pytest.fixture(scope="module")
def lesions():
    return label_lesions(*ct_and_mask())


@pytest.fixture
def apply(tmp_path, lesions):
    """Apply reviews, by file name, to these lesions, or to others."""

    def apply(reviews: dict[str, dict], found=lesions, sha256="m"):
        files = [saved(tmp_path, name, review) for name, review in reviews.items()]
        return apply_readings(read_readings(files, "P01"), *found, sha256)

    return apply


def numbers(image: sitk.Image | None) -> list[int]:
    return np.unique(sitk.GetArrayFromImage(image)).tolist() if image else []


def test_without_a_review_nothing_changes(apply, lesions):
    labelled, table, measured, removed = apply({})
    assert table.equals(lesions[1]) and removed is None
    assert numbers(labelled) == [0, 1, 2]
    assert {key: measured[key] for key in lesions[2]} == lesions[2]
    assert measured["n_deleted"] == 0 and measured["review"]["readings"] == []


def test_a_deleted_lesion_stays_in_the_table_with_reader_and_reason(apply, lesions):
    review = review_of(lesions[1], delete={2: "a vessel"})
    labelled, table, measured, removed = apply({"P01.json": review})
    assert numbers(labelled) == [0, 1] and numbers(removed) == [0, 2]
    row = table.set_index("lesion").loc[2]
    assert not row["kept"] and row["reason"] == "deleted by Anna: a vessel"
    assert (measured["n_lesions"], measured["n_dropped"], measured["n_deleted"]) == (1, 1, 1)
    first, second = lesions[1]["volume_ml"]
    assert measured["lesion_ml"] == pytest.approx(first, rel=1e-12)
    assert measured["burden"] == pytest.approx(first / lesions[2]["liver_ml"], rel=1e-12)
    assert measured["lesion_hu"] == lesions[1]["mean_hu"][0]
    assert measured["review"]["deleted"][0]["volume_ml"] == second


def test_an_excluded_scan_keeps_no_lesion_and_says_why(apply, lesions):
    review = review_of(lesions[1], decision="exclude", delete={1: "cyst"})
    labelled, table, measured, _ = apply({"P01.json": review})
    assert numbers(labelled) == [0]
    assert table["reason"].tolist() == [
        "deleted by Anna: cyst",
        "the scan is excluded by Anna: motion",
    ]
    assert measured["review"]["excluded"] == "Anna: motion"
    assert (measured["n_lesions"], measured["n_deleted"]) == (0, 1)


def test_a_lesion_that_a_correction_took_away_is_named_and_no_other_is_deleted(apply, lesions):
    ct, mask = ct_and_mask()
    review = review_of(lesions[1], delete={1: "cyst"})

    def without_the_first(labels):
        labels[14:17, 30:40, 40:46] = 1

    found = label_lesions(ct, edited(mask, without_the_first))
    assert found[1]["lesion"].tolist() == [1]  # the number is now the other lesion's
    labelled, table, measured, removed = apply({"P01.json": review}, found, "other")
    assert table["kept"].tolist() == [True] and removed is None and numbers(labelled) == [0, 1]
    (stale,) = measured["review"]["stale"]
    assert (stale["lesion"], stale["reader"], stale["reason"]) == (1, "Anna", "cyst")
    assert not measured["review"]["readings"][0]["current_mask"]


def test_a_lesion_that_was_renumbered_and_redrawn_a_little_is_still_deleted(apply, lesions):
    ct, mask = ct_and_mask()
    review = review_of(lesions[1], delete={2: "vessel"})

    def larger_and_a_third(labels):
        labels[8:11, 20:26, 20:27] = 2  # the second lesion, one voxel wider
        labels[5:8, 12:18, 50:58] = 2  # a new one, larger than that

    found = label_lesions(ct, edited(mask, larger_and_a_third))
    where = found[1].set_index("lesion")
    number = int(where["volume_ml"].idxmin())
    assert number == 3
    _, table, measured, removed = apply({"P01.json": review}, found)
    assert table.set_index("lesion")["kept"].to_dict() == {1: True, 2: True, 3: False}
    assert numbers(removed) == [0, 3] and measured["review"]["stale"] == []


def test_a_lesion_at_the_place_of_another_of_other_size_is_another_one(apply, lesions):
    review = review_of(lesions[1], delete={2: "vessel"})
    review["lesions"][1]["volume_ml"] *= 2.5
    _, table, measured, _ = apply({"P01.json": review})
    assert table["kept"].all()
    assert [lesion["lesion"] for lesion in measured["review"]["stale"]] == [2]


def test_readers_who_differ_remove_nothing_until_one_file_settles_it(apply, lesions):
    anna = review_of(lesions[1], delete={1: "cyst", 2: "vessel"})
    ben = review_of(lesions[1], reader="Ben", delete={2: "artery"})
    both = {"P01.anna.json": anna, "P01.ben.json": ben}
    _, table, measured, _ = apply(both)
    assert table.set_index("lesion")["kept"].to_dict() == {1: True, 2: False}
    assert table["reason"][1] == "deleted by Anna and Ben: vessel; artery"
    assert measured["review"]["disputed"]
    settled = review_of(lesions[1], reader="Anna and Ben", decision="exclude")
    _, table, measured, _ = apply({"P01.json": settled, **both})
    assert measured["review"]["excluded"] == "Anna and Ben: motion"
    assert not measured["review"]["disputed"]
    assert len(measured["review"]["readings"]) == 3
    ben_out = {**both, "P01.ben.json": review_of(lesions[1], reader="Ben", decision="exclude")}
    assert apply(ben_out)[2]["review"]["excluded"] is None
