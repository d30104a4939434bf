"""A CT comes in whole, in HU and on its own grid, or is refused in words."""

import json
import pickle

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from helpers.dicom_series import SPACING, volume, write_series
from livermets.core.errors import BadPatient
from livermets.imaging.ct import import_ct
from livermets.imaging.geometry import onto_grid, same_grid
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless


def refused(source, *words, patient="P07"):
    """The one message of a refusal, which names the patient, the words, and what to do."""
    with pytest.raises(BadPatient) as caught:
        import_ct(source, patient)
    message = str(caught.value)
    assert message.startswith(f"patient {patient}: ") and message.endswith(".")
    assert "\n" not in message and caught.value.remedy
    for word in words:
        assert word in message, message
    return message


def image_of(hu: np.ndarray, spacing=SPACING, origin=(-50.0, -40.0, -300.0)) -> sitk.Image:
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    return image


# ---- what comes in


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_series_is_sorted_by_position_and_keeps_its_grid(tmp_path, syntax):
    hu = volume()
    ct, facts = import_ct(write_series(tmp_path / "ct", hu, syntax=syntax), "P1")
    assert (sitk.GetArrayFromImage(ct) == hu).all()
    assert ct.GetPixelID() == sitk.sitkInt16
    np.testing.assert_allclose(ct.GetSpacing(), SPACING, atol=1e-6)
    np.testing.assert_allclose(ct.GetOrigin(), (-50, -40, -300), atol=1e-6)
    np.testing.assert_allclose(ct.GetDirection(), np.eye(3).ravel(), atol=1e-6)
    assert facts["slice_thickness_mm"] == 5 and facts["spacing_mm"][2] == 2.5


def test_a_compressed_series_is_read(tmp_path):
    hu = volume()
    folder = write_series(tmp_path / "ct", hu)
    for file in folder.iterdir():
        header = pydicom.dcmread(file)
        header.compress(RLELossless)
        header.save_as(file)
    assert (sitk.GetArrayFromImage(import_ct(folder, "P1")[0]) == hu).all()


def test_files_without_preamble_are_read(tmp_path):
    hu = volume()
    folder = write_series(tmp_path / "ct", hu, syntax=ImplicitVRLittleEndian)
    for file in folder.iterdir():
        header = pydicom.dcmread(file)
        del header.file_meta
        pydicom.dcmwrite(file, header, implicit_vr=True, little_endian=True)
    assert (sitk.GetArrayFromImage(import_ct(folder, "P1")[0]) == hu).all()


def test_slices_of_different_rescaling_come_out_in_hu(tmp_path):
    hu = volume() // 2 * 2
    write_series(tmp_path / "ct", hu)
    halved = write_series(tmp_path / "halved", hu, slope=2.0)
    for file in sorted((tmp_path / "ct").iterdir())[::2]:
        uid = pydicom.dcmread(file).SeriesInstanceUID
        other = pydicom.dcmread(halved / file.name)
        other.SeriesInstanceUID = uid
        other.save_as(file)
    assert (sitk.GetArrayFromImage(import_ct(tmp_path / "ct", "P1")[0]) == hu).all()


def test_an_oblique_series_puts_every_voxel_where_its_header_says(tmp_path):
    angle = np.radians(25)
    orientation = (np.cos(angle), np.sin(angle), 0, 0, 0, -1)  # coronal, turned
    hu = volume()
    ct, _ = import_ct(write_series(tmp_path / "ct", hu, orientation=orientation), "P1")
    files = [pydicom.dcmread(file) for file in (tmp_path / "ct").iterdir()]
    row, column = np.reshape(orientation, (2, 3))
    for header in files:
        k = round(
            np.dot(np.array(header.ImagePositionPatient) - ct.GetOrigin(), np.cross(row, column))
            / 2.5
        )
        expected = np.array(header.ImagePositionPatient) + row * 0.8 * 3 + column * 0.7 * 5
        np.testing.assert_allclose(ct.TransformIndexToPhysicalPoint((3, 5, k)), expected, atol=1e-4)
        assert ct[3, 5, k] == header.pixel_array[5, 3] - 1024


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
    assert facts["clipped_voxels"] == 3 and facts["capped_voxels"] == 0
    assert sitk.GetArrayViewFromImage(ct).min() == -1024
    assert ct[1, 1, 1] == 12000


def test_other_voxel_types_become_rounded_int16(tmp_path):
    values = np.linspace(-1500, 40000, 6 * 16 * 20).reshape(6, 16, 20).astype(np.float32)
    sitk.WriteImage(image_of(values), tmp_path / "float.nii.gz")
    ct, facts = import_ct(tmp_path / "float.nii.gz", "P1")
    expected = np.clip(np.rint(values), -1024, 32767)
    assert (sitk.GetArrayFromImage(ct) == expected).all()
    assert facts["capped_voxels"] == (values > 32767.5).sum()
    sitk.WriteImage(image_of((volume() % 200).astype(np.uint8)), tmp_path / "byte.nrrd")
    assert (
        sitk.GetArrayFromImage(import_ct(tmp_path / "byte.nrrd", "P1")[0]) == volume() % 200
    ).all()


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
    assert facts["contrast"] is True and facts["kvp"] == 120 and facts["kernel"] == "B30s"
    assert facts["size"] == [20, 16, 6] and facts["n_slices"] == 6


def test_localisers_reports_and_notes_beside_the_slices_are_passed_over(tmp_path):
    folder = write_series(tmp_path / "ct", volume())
    write_series(
        folder, volume((1, 16, 20)), prefix="scout", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]
    )
    (folder / "notes.txt").write_text("seen by the reader")
    report = pydicom.dcmread(folder / "slice00.dcm", stop_before_pixels=True)
    report.Modality, report.SeriesInstanceUID = "SR", "1.2.3"
    del report.Rows
    report.save_as(folder / "report.dcm")
    _, facts = import_ct(folder, "P1")
    assert facts["ignored_files"] == 3 and facts["n_slices"] == 6


def test_one_file_names_its_series_in_a_shared_folder(tmp_path):
    write_series(tmp_path / "ct", volume(seed=1), prefix="a")
    write_series(tmp_path / "ct", volume(seed=2), prefix="b")
    ct, _ = import_ct(tmp_path / "ct" / "b00.dcm", "P1")
    assert (sitk.GetArrayFromImage(ct) == volume(seed=2)).all()


def test_slices_whose_rows_and_columns_are_not_quite_at_right_angles_are_put_right(tmp_path):
    hu = volume()
    folder = write_series(tmp_path / "ct", hu, orientation=(1, 0, 0, 4e-4, 1, 0))
    ct, facts = import_ct(folder, "P1")
    directions = np.reshape(ct.GetDirection(), (3, 3))
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-9)
    assert facts["orthonormalised"] is True and (sitk.GetArrayFromImage(ct) == hu).all()
    assert import_ct(write_series(tmp_path / "even", hu), "P1")[1]["orthonormalised"] is False


def test_directions_slightly_off_are_made_orthonormal_and_that_is_said(tmp_path):
    affine = np.diag([0.8, 0.7, 2.5, 1.0])
    affine[1, 2] = 2.5 * 5e-4
    scan = nibabel.Nifti1Image(volume().T, affine)
    scan.set_qform(None, 0)
    nibabel.save(scan, tmp_path / "ct.nii.gz")
    ct, facts = import_ct(tmp_path / "ct.nii.gz", "P1")
    directions = np.reshape(ct.GetDirection(), (3, 3))
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(ct.GetSpacing(), (0.8, 0.7, 2.5), rtol=1e-5)
    assert facts["orthonormalised"] is True


def test_a_volume_of_one_time_point_is_three_dimensional(tmp_path):
    nibabel.save(nibabel.Nifti1Image(volume().T[..., None], np.eye(4)), tmp_path / "ct.nii.gz")
    assert import_ct(tmp_path / "ct.nii.gz", "P1")[0].GetSize() == (20, 16, 6)


# ---- what is refused


def test_what_does_not_exist_is_refused(tmp_path):
    refused(tmp_path / "nowhere", "does not exist")
    refused(tmp_path / "nowhere.nii.gz", "does not exist")


def test_a_folder_without_dicom_is_refused_and_its_subfolders_are_counted(tmp_path):
    (tmp_path / "series1").mkdir()
    refused(tmp_path, "no DICOM file", "1 folder within it, not looked into")
    (tmp_path / "readme.txt").write_text("Modality CT " * 40)
    refused(tmp_path, "no DICOM file")


def test_two_series_in_one_folder_are_refused_with_their_counts_and_no_uid(tmp_path):
    write_series(tmp_path, volume(), prefix="a")
    write_series(tmp_path, volume((4, 16, 20)), prefix="b")
    message = refused(tmp_path, "2 series", "6 and 4 slices", "name one file")
    assert "1.2.826" not in message


@pytest.mark.parametrize("gone", [[1], [3, 4], [1, 4]], ids=["one", "two neighbours", "two apart"])
def test_missing_slices_are_refused_with_the_place_and_the_number(tmp_path, gone):
    keep = [k for k in range(10) if k not in gone]
    write_series(tmp_path, volume((len(keep), 8, 8)), heights=np.array(keep) * 2.5)
    before = max(k for k in keep if k < gone[0]) if gone != [1, 4] else 0
    refused(
        tmp_path,
        f"{len(gone)} of 10 slices are missing",
        "2.50 mm",
        f"z = {-300 + before * 2.5:.1f}",
    )


def test_a_gap_between_three_slices_is_found(tmp_path):
    write_series(tmp_path, volume((3, 8, 8)), heights=np.array([0, 2.5, 7.5]))
    refused(tmp_path, "1 of 4 slices are missing")


def test_doubled_slices_are_refused(tmp_path):
    write_series(tmp_path, volume(), heights=np.array([0, 2.5, 5, 5, 7.5, 10]))
    refused(tmp_path, "1 slice positions occur twice", "z = -295.0")


def test_unevenly_spaced_slices_are_refused(tmp_path):
    write_series(tmp_path, volume(), heights=np.array([0, 2.5, 5.0, 7.5, 11, 13.5]))
    refused(tmp_path, "unevenly spaced")


def test_positions_rounded_by_the_scanner_are_even(tmp_path):
    heights = np.round(np.arange(6) * 0.7143, 1)
    write_series(tmp_path, volume(), heights=heights)
    ct, _ = import_ct(tmp_path, "P1")
    assert ct.GetSpacing()[2] == pytest.approx(heights[-1] / 5)


def test_a_tilted_gantry_is_refused_from_its_geometry(tmp_path):
    write_series(tmp_path, volume(), lean_mm=2.5 * np.tan(np.radians(8)))
    refused(tmp_path, "sheared by 8.0°", "tilt-corrected", "imaging.resample_tilt: true")


@pytest.mark.parametrize("degrees", [8, -15])
def test_a_tilted_gantry_is_straightened_on_request(tmp_path, degrees):
    """Every voxel comes to lie where its own slice's header puts it."""
    z, y, x = np.mgrid[:12, :30, :24]
    hu = (20 * x + 15 * y + 10 * z - 900).astype(np.int16)  # linear, as the interpolation is
    lean = 2.5 * np.tan(np.radians(degrees))
    folder = write_series(tmp_path, hu, lean_mm=lean, GantryDetectorTilt=degrees)
    ct, facts = import_ct(folder, "P1", resample_tilt=True)
    assert facts["tilt_corrected_mm"] == pytest.approx(abs(lean) * 11, abs=0.01)
    assert np.allclose(np.reshape(ct.GetDirection(), (3, 3)), np.eye(3), atol=1e-5)
    values = sitk.GetArrayFromImage(ct)
    for k, j, i in [(0, 3, 4), (5, 10, 12), (11, 20, 20)]:
        where = np.array([-50, -40, -300]) + np.array([0.8 * i, 0.7 * j + lean * k, 2.5 * k])
        index = ct.TransformPhysicalPointToContinuousIndex(where.tolist())
        below, part = int(np.floor(index[1])), index[1] % 1
        column = values[round(index[2]), :, round(index[0])]
        found = column[below] * (1 - part) + column[min(below + 1, len(column) - 1)] * part
        assert found == pytest.approx(hu[k, j, i], abs=1.5)
    assert values.min() == -1024  # what the slices leave free at their ends


def test_slices_that_hide_their_tilt_are_not_straightened(tmp_path):
    write_series(tmp_path, volume(), GantryDetectorTilt=-12)
    with pytest.raises(BadPatient, match="sheared by 12.0°"):
        import_ct(tmp_path, "P1", resample_tilt=True)


def test_files_named_by_uids_are_named_by_their_ends(tmp_path):
    folder = write_series(tmp_path, volume())
    first = sorted(folder.iterdir())[0]
    cut = folder / "1.2.826.0.1.3680043.8.498.1234567890.dcm"
    cut.write_bytes(first.read_bytes()[:-40])
    with pytest.raises(BadPatient) as refusal:
        import_ct(folder, "P1")
    assert "567890.dcm is damaged" in str(refusal.value) and "1.2.826" not in str(refusal.value)


def test_a_tilted_gantry_is_refused_from_its_tag(tmp_path):
    write_series(tmp_path, volume(), GantryDetectorTilt=-12)
    refused(tmp_path, "sheared by 12.0°")


def test_a_sheared_nifti_and_nrrd_are_refused(tmp_path):
    affine = np.diag([0.8, 0.7, 2.5, 1.0])
    affine[1, 2] = 2.5 * np.tan(np.radians(10))
    scan = nibabel.Nifti1Image(volume().T, affine)
    scan.set_qform(None, 0)
    nibabel.save(scan, tmp_path / "ct.nii.gz")
    refused(tmp_path / "ct.nii.gz", "sheared by 10.0°")
    header = (
        "NRRD0005\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 20 16 6\n"
        "space directions: (0.8,0,0) (0,0.7,0) (0,0.4408,2.5)\nkinds: domain domain domain\n"
        "endian: little\nencoding: raw\nspace origin: (0,0,0)\n\n"
    )
    (tmp_path / "ct.nrrd").write_bytes(header.encode() + volume().tobytes())
    refused(tmp_path / "ct.nrrd", "sheared by 10.0°")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
@pytest.mark.parametrize("kind", ["<f4", ">f8"])
def test_nan_voxels_are_refused_with_their_number(tmp_path, suffix, kind):
    values = volume().astype(kind)
    values[2, 3, 4:6] = np.nan, np.inf
    path = tmp_path / f"ct{suffix}"
    if suffix == ".nrrd":
        sitk.WriteImage(image_of(values.astype(kind[1:])), path)
    else:  # ITK itself reads NaN in NIfTI as 0 HU
        header = nibabel.Nifti1Header(endianness=kind[0])
        header.set_data_dtype(kind)
        nibabel.save(nibabel.Nifti1Image(values.T, np.eye(4), header), path)
    refused(path, "2 voxels", "NaN")


def test_a_normalised_ct_is_refused(tmp_path):
    values = np.random.default_rng(0).random((6, 16, 20)).astype(np.float32)
    sitk.WriteImage(image_of(values), tmp_path / "ct.nii.gz")
    refused(tmp_path / "ct.nii.gz", "no range of HU")


def test_colour_four_dimensions_and_single_slices_are_refused(tmp_path):
    colour = sitk.Compose([image_of(volume())] * 3)
    sitk.WriteImage(colour, tmp_path / "rgb.nrrd")
    refused(tmp_path / "rgb.nrrd", "3 channels")
    nibabel.save(
        nibabel.Nifti1Image(np.zeros((8, 8, 8, 5), np.int16), np.eye(4)), tmp_path / "4d.nii"
    )
    refused(tmp_path / "4d.nii", "8×8×8×5")
    sitk.WriteImage(image_of(volume((1, 8, 8))), tmp_path / "flat.nii")
    refused(tmp_path / "flat.nii", "8×8×1")
    write_series(tmp_path / "one", volume((1, 8, 8)))
    refused(tmp_path / "one", "only one slice")
    write_series(
        tmp_path / "frames", volume((2, 8, 8)), NumberOfFrames=1, SamplesPerPixel=3, BitsAllocated=8
    )
    refused(tmp_path / "frames")


def test_images_of_another_modality_are_refused(tmp_path):
    write_series(tmp_path, volume(), Modality="MR")
    refused(tmp_path, "not CT", "6 MR")


def test_slices_without_positions_are_refused(tmp_path):
    write_series(tmp_path, volume())
    for file in tmp_path.iterdir():
        header = pydicom.dcmread(file)
        del header.ImagePositionPatient
        header.save_as(file)
    refused(tmp_path, "no ImagePositionPatient")


def test_slices_of_two_shapes_in_one_series_are_refused(tmp_path):
    write_series(tmp_path, volume(), prefix="a", SeriesInstanceUID="1.2.3")
    write_series(tmp_path, volume((2, 8, 8)), prefix="b", SeriesInstanceUID="1.2.3")
    refused(tmp_path, "differs from the others")


@pytest.mark.parametrize("left", [0, 50, 140, 400, -20])
def test_a_dicom_file_that_was_cut_short_is_refused(tmp_path, left):
    write_series(tmp_path, volume())
    file = sorted(tmp_path.iterdir())[2]
    file.write_bytes(file.read_bytes()[:left])
    refused(tmp_path, file.name, "damaged or cut short")


def test_a_compressed_slice_that_was_cut_short_is_refused(tmp_path):
    write_series(tmp_path, volume())
    for file in tmp_path.iterdir():
        header = pydicom.dcmread(file)
        header.compress(RLELossless)
        header.save_as(file)
    file.write_bytes(file.read_bytes()[:-300])
    refused(tmp_path)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
@pytest.mark.parametrize(
    "part", [0, 0.01, 0.5, 0.98], ids=["empty", "the first hundredth", "half", "all but the end"]
)
def test_a_volume_that_was_cut_short_is_refused(tmp_path, suffix, part):
    path = tmp_path / f"ct{suffix}"
    sitk.WriteImage(image_of(volume()), path, suffix == ".nrrd")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    refused(path, "damaged or cut short")


def test_files_of_other_formats_are_refused(tmp_path):
    (tmp_path / "ct.mha").write_text("no image")
    refused(tmp_path / "ct.mha", "neither NIfTI nor NRRD")


def test_a_refusal_survives_the_way_between_processes(tmp_path):
    with pytest.raises(BadPatient) as caught:
        import_ct(tmp_path, "P07")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


# ---- grids


def test_grids_within_a_micrometre_are_one_and_a_shifted_mask_is_resampled():
    ct = image_of(volume((10, 20, 20)))
    near = sitk.Image(ct)
    near.SetOrigin((-50.0005, -40, -300))
    assert same_grid(ct, near)
    mask = sitk.Cast(ct * 0, sitk.sitkUInt8)
    mask[5:8, 5:8, 3:5] = 1
    mask.CopyInformation(near)
    result, how = onto_grid(mask, ct, "P1")
    assert how == "equal" and result.GetOrigin() == ct.GetOrigin()
    mask.SetOrigin((-50 + 0.7, -40, -300))
    result, how = onto_grid(mask, ct, "P1")
    assert how == "resampled" and sitk.GetArrayFromImage(result).sum() == 18
    assert result[6, 5, 3] == 1 and result[5, 5, 3] == 0


def test_a_mask_outside_the_ct_is_refused():
    ct = image_of(volume((10, 20, 20)))
    mask = sitk.Cast(ct * 0 + 1, sitk.sitkUInt8)
    for origin in [(200.0, -40, -300), (-50, -40, -290)]:
        mask.SetOrigin(origin)
        with pytest.raises(BadPatient, match="outside the CT.*Give the mask drawn on this CT"):
            onto_grid(mask, ct, "P1", "given mask")
