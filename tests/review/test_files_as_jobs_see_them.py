"""The review with files as the jobs before it leave them on disk, their types and keys as there."""

from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk
from livermets.lesions.components import label_lesions
from livermets.masks.mask_files import read_mask
from livermets.masks.seg_nrrd import write_seg_nrrd
from livermets.review.quality_checks import check_mask


def liver_without_lesions() -> tuple[sitk.Image, sitk.Image]:
    labels = np.zeros((12, 30, 30), np.uint8)
    labels[2:10, 5:25, 5:25] = 1
    hu = np.where(labels, 110, -100).astype(np.int16)
    return sitk.GetImageFromArray(hu), sitk.GetImageFromArray(labels)


def test_a_patient_without_a_lesion_is_looked_over(tmp_path):
    ct, mask = liver_without_lesions()
    table, record = label_lesions(ct, mask)[1:]
    table.to_csv(tmp_path / "P1.tsv", sep="\t", index=False)
    table = pd.read_csv(tmp_path / "P1.tsv", sep="\t")
    of_mask = dict.fromkeys(("source", "correction", "geometry", "dice_liver", "dice_lesion"))
    found = check_mask(ct, mask, table, record, of_mask, {"phase": None, "orientation": "LPS"})
    assert found["lesions"] == []
    assert "no lesion large enough to characterise" in found["warnings"]


def test_the_file_for_3d_slicer_is_taken_as_a_correction_as_it_is(tmp_path: Path):
    _, mask = liver_without_lesions()
    sitk.WriteImage(mask, tmp_path / "P1.nii.gz")
    mask = sitk.ReadImage(str(tmp_path / "P1.nii.gz"))  # with the keys of a NIfTI header
    write_seg_nrrd(mask, tmp_path / "P1.seg.nrrd")
    back = read_mask(tmp_path / "P1.seg.nrrd", "P1", {"liver": 1, "lesion": 2})
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(mask))
