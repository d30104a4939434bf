"""A CT comes in whole, in HU and on its own grid, with a record that identifies nobody."""

import json
import pickle

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_of, refused_ct
from helpers.dicom_series import volume, write_series
from livermets.core.errors import BadPatient
from livermets.imaging.ct import import_ct
from livermets.imaging.geometry import same_grid


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
def test_nifti_and_nrrd_equal_the_dicom_they_were_made_from(tmp_path, suffix):
    ct, facts = import_ct(write_series(tmp_path / "ct", volume()), "P1")
    sitk.WriteImage(ct, tmp_path / f"ct{suffix}")
    again, other = import_ct(tmp_path / f"ct{suffix}", "P1")
    assert same_grid(ct, again)
    assert other["sha256"] == facts["sha256"]
    assert set(other) == set(facts)


def test_padding_is_clipped_and_counted_and_metal_is_left(tmp_path):
    hu = volume()
    hu[0, 0, :3], hu[1, 1, 1] = -3024, 12000
    ct, facts = import_ct(write_series(tmp_path / "ct", hu), "P1")
    assert facts["clipped_voxels"] == 3
    assert facts["capped_voxels"] == 0
    assert sitk.GetArrayViewFromImage(ct).min() == -1024
    assert ct[1, 1, 1] == 12000


def test_other_voxel_types_become_rounded_int16(tmp_path):
    values = np.linspace(-1500, 32700, 6 * 16 * 20).reshape(6, 16, 20).astype(np.float32)
    values[0, 0, 0] = 40000
    sitk.WriteImage(ct_of(values), tmp_path / "float.nii.gz")
    ct, facts = import_ct(tmp_path / "float.nii.gz", "P1")
    expected = np.clip(np.rint(values), -1024, 32767)
    assert (sitk.GetArrayFromImage(ct) == expected).all()
    assert facts["capped_voxels"] == (values > 32767.5).sum()


def test_values_that_are_no_hu_are_refused_by_the_missing_fat_or_soft_tissue(tmp_path):
    hu = volume()
    grey = np.clip((hu + 160) / 400 * 255, 0, 255)  # the window of an abdomen in 8 bits
    sitk.WriteImage(ct_of(grey.astype(np.uint8)), tmp_path / "grey.nrrd")
    refused_ct(tmp_path / "grey.nrrd", "from 0 to 255", "no air or fat")
    refused_ct(write_series(tmp_path / "grey", grey, slope=1.0), "no air or fat")
    sitk.WriteImage(ct_of((hu + 1024).astype(np.uint16)), tmp_path / "raw.nii.gz")
    refused_ct(tmp_path / "raw.nii.gz", "no air or fat")
    sitk.WriteImage(ct_of(np.full_like(hu, -1000)), tmp_path / "air.nii.gz")
    refused_ct(tmp_path / "air.nii.gz", "no soft tissue")
    sitk.WriteImage(ct_of(np.clip(hu, -160, 240)), tmp_path / "clipped.nrrd")  # HU all the same
    assert import_ct(tmp_path / "clipped.nrrd", "P1")[0].GetSize() == (20, 16, 6)


def test_one_image_in_all_slices_is_refused(tmp_path):
    hu = volume((1, 16, 20)).repeat(6, axis=0)
    refused_ct(write_series(tmp_path / "dicom", hu), "all 6 slices of the CT show the same image")
    sitk.WriteImage(ct_of(hu), tmp_path / "ct.nii.gz")
    refused_ct(tmp_path / "ct.nii.gz", "all 6 slices of the CT show the same image")
    hu[3, 0, 0] += 1
    sitk.WriteImage(ct_of(hu), tmp_path / "ct.nii.gz")
    assert import_ct(tmp_path / "ct.nii.gz", "P1")[1]["n_slices"] == 6


@pytest.mark.parametrize("unit", ["MGML", "Z_EFF", "PCT"])
def test_a_map_that_was_computed_from_a_ct_is_refused_by_its_unit(tmp_path, unit):
    folder = write_series(tmp_path / "ct", volume(), RescaleType=unit)
    refused_ct(folder, f"in {unit} (RescaleType), not in HU", "the series of the CT itself")


@pytest.mark.parametrize("unit", ["HU", "hu", "US", "HU_MOD", ""], ids=lambda unit: unit or "empty")
def test_hu_however_they_are_written_are_taken(tmp_path, unit):
    folder = write_series(tmp_path / "ct", volume(), RescaleType=unit)
    assert import_ct(folder, "P1")[1]["n_slices"] == 6


def test_facts_hold_nothing_that_identifies_anyone(tmp_path):
    folder = write_series(
        tmp_path / "ct",
        volume(),
        InstitutionName="Spital",
        SeriesDescription="Doe liver",
        ContrastBolusAgent="given by Dr. No",
        ConvolutionKernel="B30s",
        KVP=120,
        Manufacturer="SIEMENS",
        ManufacturerModelName="Force",
    )
    _, facts = import_ct(folder, "P1")
    text = json.dumps(facts)
    for secret in ("Doe", "4711", "2023", "Spital", "Dr. No", "1.2.826", str(tmp_path)):
        assert secret not in text
    assert facts["contrast"] is True
    assert facts["kvp"] == 120
    assert facts["kernel"] == "B30s"
    assert facts["size"] == [20, 16, 6]
    assert facts["n_slices"] == 6


def test_what_does_not_exist_is_refused(tmp_path):
    refused_ct(tmp_path / "nowhere", "does not exist")
    refused_ct(tmp_path / "nowhere.nii.gz", "does not exist")


def test_a_normalised_ct_is_refused(tmp_path):
    values = np.random.default_rng(0).random((6, 16, 20)).astype(np.float32)
    sitk.WriteImage(ct_of(values), tmp_path / "ct.nii.gz")
    refused_ct(tmp_path / "ct.nii.gz", "no range of HU")


def test_a_ct_that_was_cropped_to_the_liver_is_taken_if_the_study_says_so(tmp_path):
    hu = np.random.default_rng(0).normal(100, 15, (6, 16, 20)).astype(np.int16)
    sitk.WriteImage(ct_of(hu), tmp_path / "ct.nii.gz")
    refused_ct(tmp_path / "ct.nii.gz", "no air or fat (below -50 HU)", "`imaging.check_hu: liver`")
    ct, _ = import_ct(tmp_path / "ct.nii.gz", "P07", check_hu="liver")
    assert np.array_equal(sitk.GetArrayFromImage(ct), hu)
    sitk.WriteImage(ct_of((hu + 2000).astype(np.int16)), tmp_path / "bone.nii.gz")
    with pytest.raises(BadPatient, match="no soft tissue"):
        import_ct(tmp_path / "bone.nii.gz", "P07", check_hu="liver")
    import_ct(tmp_path / "bone.nii.gz", "P07", check_hu="none")


def test_an_orientation_that_the_file_does_not_state_is_not_recorded(tmp_path):
    image = ct_of(volume())
    for name in ("ct.nii.gz", "ct.nrrd"):
        sitk.WriteImage(image, tmp_path / name)
        assert import_ct(tmp_path / name, "P07")[1]["orientation"] == "LPS"
    plain = nibabel.Nifti1Image(volume().T, np.eye(4))
    plain.set_sform(None, code=0)
    plain.set_qform(None, code=0)
    nibabel.save(plain, tmp_path / "plain.nii.gz")
    assert import_ct(tmp_path / "plain.nii.gz", "P07")[1]["orientation"] is None


def test_a_refusal_survives_the_way_between_processes(tmp_path):
    with pytest.raises(BadPatient) as caught:
        import_ct(tmp_path, "P07")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
