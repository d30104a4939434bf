"""The folder of corrections: every file in it belongs to a patient."""

import pytest
from livermets.core.errors import BadInput
from livermets.study.corrections import refuse_strangers

PATIENTS = ["P01", "P02", "P010"]


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("P01_corrected.seg.nrrd", "P01.seg.nrrd"),
        ("p01.seg.nrrd", "P01.seg.nrrd"),
        ("P01.NII.GZ", "P01.nii.gz"),
        ("P01.mha", "P01.seg.nrrd"),
        ("p02.json", "P02.json"),
        ("P010 final.nrrd", "P010.nrrd"),
    ],
    ids=["words added", "lower case", "ending in capitals", "mha", "note", "longer id first"],
)
def test_a_correction_with_a_near_name_is_refused_with_the_nearest_id(tmp_path, name, proposed):
    (tmp_path / name).touch()
    with pytest.raises(BadInput, match=rf"{proposed}") as refused:
        refuse_strangers(tmp_path, PATIENTS)
    assert name in str(refused.value)


def test_a_folder_in_the_folder_of_corrections_is_refused_with_the_name_of_its_mask(tmp_path):
    (tmp_path / "P01").mkdir()
    (tmp_path / "P01/Segmentation.seg.nrrd").touch()
    with pytest.raises(BadInput, match="nearest patient is P01: save the mask as P01.seg.nrrd"):
        refuse_strangers(tmp_path, PATIENTS)


def test_a_correction_of_nobody_is_refused(tmp_path):
    (tmp_path / "zebra.nrrd").touch()
    with pytest.raises(BadInput, match="Name it after a patient"):
        refuse_strangers(tmp_path, PATIENTS)


def test_corrections_of_patients_and_hidden_files_pass_and_no_folder_is_no_correction(tmp_path):
    names = ("P01.seg.nrrd", "P01.json", "P02.nii", "P010.dcm", ".DS_Store", "._P01.seg.nrrd")
    for name in names:
        (tmp_path / name).touch()
    refuse_strangers(tmp_path, PATIENTS)
    refuse_strangers(tmp_path / "absent", PATIENTS)
