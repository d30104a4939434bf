"""Lesions keep their numbers when a reader corrects the mask."""

import numpy as np
import SimpleITK as sitk
from livermets.lesions.components import label_lesions
from livermets.lesions.numbering import keep_numbers


def lesions_of(*boxes: tuple[slice, ...], **settings) -> tuple[sitk.Image, object]:
    """The lesions and their table of a liver with these boxes."""
    array = np.zeros((20, 60, 60), np.uint8)
    array[1:-1, 2:-2, 2:-2] = 1
    for box in boxes:
        array[box] = 2
    mask = sitk.GetImageFromArray(array)
    labelled, table, _ = label_lesions(sitk.Cast(mask, sitk.sitkInt16), mask, **settings)
    return labelled, table


LARGE = np.s_[3:10, 5:20, 5:20]
MIDDLE = np.s_[3:8, 30:40, 5:15]
SMALL = np.s_[3:6, 30:36, 40:46]
TINY = np.s_[15, 50:52, 50:52]  # too small to be kept
NEW = np.s_[12:18, 5:25, 30:55]  # the largest of all


def test_a_correction_changes_the_number_of_no_lesion_and_a_new_one_gets_a_new_number():
    before = lesions_of(LARGE, MIDDLE, SMALL, TINY)
    assert before[1]["lesion"].tolist() == [1, 2, 3, 4]
    grown = np.s_[3:12, 5:22, 5:20]
    labelled, table = keep_numbers(*lesions_of(grown, SMALL, NEW, TINY), *before)
    assert table["lesion"].tolist() == [1, 3, 5, 6]  # 2 was deleted, 4 was the dropped one
    assert table["kept"].tolist() == [True, True, True, False]
    numbers = sitk.GetArrayFromImage(labelled)
    assert numbers.dtype == np.uint16
    for number, box in ((1, grown), (3, SMALL), (5, NEW), (0, TINY)):
        assert (numbers[box] == number).all()
    assert table.set_index("lesion")["voxels"].to_dict() == {
        1: 9 * 17 * 15, 3: 3 * 6 * 6, 5: 6 * 20 * 25, 6: 4,
    }  # fmt: skip


def test_the_numbers_of_a_mask_that_was_saved_unchanged_are_the_same():
    before = lesions_of(LARGE, MIDDLE, SMALL)
    labelled, table = keep_numbers(*lesions_of(LARGE, MIDDLE, SMALL), *before)
    assert table.equals(before[1])
    assert np.array_equal(*map(sitk.GetArrayFromImage, (labelled, before[0])))


def test_lesions_of_a_mask_that_had_none_are_numbered_from_one():
    labelled, table = keep_numbers(*lesions_of(MIDDLE, LARGE), *lesions_of())
    assert table["lesion"].tolist() == [1, 2]
    empty, table = keep_numbers(*lesions_of(), *lesions_of(MIDDLE))
    assert not sitk.GetArrayFromImage(empty).any() and not len(table)
    assert "kept" in table
