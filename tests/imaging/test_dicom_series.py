"""One CT series out of a folder: read in HU on its grid, or refused in words."""

import shutil

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from helpers.ct_images import refused_ct, refused_patient
from helpers.dicom_series import SPACING, raw_tags, volume, write_series
from livermets.core.errors import BadPatient
from livermets.imaging.ct import import_ct, refuse_other_slice_count
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_series_is_sorted_by_position_and_keeps_its_grid(tmp_path, syntax):
    hu = volume()
    ct, facts = import_ct(write_series(tmp_path / "ct", hu, syntax=syntax), "P1")
    assert (sitk.GetArrayFromImage(ct) == hu).all()
    assert ct.GetPixelID() == sitk.sitkInt16
    np.testing.assert_allclose(ct.GetSpacing(), SPACING, atol=1e-6)
    np.testing.assert_allclose(ct.GetOrigin(), (-50, -40, -300), atol=1e-6)
    np.testing.assert_allclose(ct.GetDirection(), np.eye(3).ravel(), atol=1e-6)
    assert facts["slice_thickness_mm"] == 5
    assert facts["spacing_mm"][2] == 2.5


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


def test_a_series_of_another_slope_comes_out_in_hu(tmp_path):
    hu = volume() // 2 * 2
    folder = write_series(tmp_path / "ct", hu, slope=2.0)
    assert (sitk.GetArrayFromImage(import_ct(folder, "P1")[0]) == hu).all()


MIXED = {
    "intercept missing": ("RescaleIntercept", None),
    "intercept of another scan": ("RescaleIntercept", "0"),
    "slope of another scan": ("RescaleSlope", "2"),
    "unsigned among signed": ("PixelRepresentation", 0),
    "inverted grey values": ("PhotometricInterpretation", "MONOCHROME1"),
    "another tube voltage": ("KVP", "80"),
    "another kernel": ("ConvolutionKernel", "B70f"),
}


@pytest.mark.parametrize(("key", "value"), MIXED.values(), ids=MIXED.keys())
def test_a_slice_whose_voxels_mean_something_else_is_refused_by_file_and_tag(tmp_path, key, value):
    folder = write_series(tmp_path / "ct", volume(), KVP="120", ConvolutionKernel="B30f")
    file = sorted(folder.iterdir())[3]
    header = pydicom.dcmread(file)
    if value is None:
        del header[key]
    else:
        setattr(header, key, value)
    header.save_as(file)
    refused_ct(folder, file.name, key, "missing" if value is None else str(value))


def test_the_same_value_in_other_digits_is_no_difference_nor_a_voltage_left_out(tmp_path):
    folder = write_series(tmp_path / "ct", volume(), KVP="120")
    files = sorted(folder.iterdir())
    header = pydicom.dcmread(files[2])
    header.RescaleSlope, header.RescaleIntercept, header.KVP = "1.000000", "-1024.0", None
    header.save_as(files[2])
    assert (sitk.GetArrayFromImage(import_ct(folder, "P1")[0]) == volume()).all()


@pytest.mark.parametrize(
    "value",
    [b"3,0 ", b"NONE", b"3\\3 ", b"120 kV", b"NaN "],
    ids=["decimal comma", "a word", "two values", "a unit", "not a number"],
)
def test_an_unreadable_number_that_is_only_reported_counts_as_missing(tmp_path, value):
    folder = write_series(tmp_path / "ct", volume())
    raw_tags(folder, {"SliceThickness": value, "KVP": value})
    ct, record = import_ct(folder, "P1")
    assert (sitk.GetArrayFromImage(ct) == volume()).all()
    assert record["slice_thickness_mm"] is None
    assert record["kvp"] is None


UNREADABLE = {
    "PixelSpacing": [b"0,7\\0,8 ", b"0.7 ", b"NONE", b"0\\0 "],
    "ImagePositionPatient": [b"1\\2,0\\3 ", b"1\\2 "],
    "ImageOrientationPatient": [b"1\\0\\0\\0\\x\\0 ", b"0\\0\\0\\0\\0\\0 "],
    "GantryDetectorTilt": [b"NONE"],
    "RescaleSlope": [b"1,0 "],
    "RescaleIntercept": [b"-1024 HU"],
    "NumberOfFrames": [b"NONE"],
}


@pytest.mark.parametrize("number", [2, None], ids=["one slice", "all slices"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(key, value, id=f"{key} {number}")
        for key, values in UNREADABLE.items()
        for number, value in enumerate(values)
    ],
)
def test_an_unreadable_number_of_the_geometry_is_refused_by_file_and_tag(
    tmp_path, key, value, number
):
    folder = write_series(tmp_path / "ct", volume())
    raw_tags(folder, {key: value}, slice(number, number and number + 1))
    refused_ct(folder, "slice", ".dcm", key)


@pytest.mark.parametrize("key", ["Rows", "Columns", "BitsAllocated"])
def test_a_slice_whose_size_is_no_number_is_damaged(tmp_path, key):
    folder = write_series(tmp_path / "ct", volume())
    raw_tags(folder, {key: b"\x10"}, slice(3, 4))
    refused_ct(folder, sorted(folder.iterdir())[3].name, "damaged")


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
    assert facts["ignored_files"] == 3
    assert facts["n_slices"] == 6


def test_the_files_that_macos_leaves_beside_each_file_are_passed_over(tmp_path):
    folder = write_series(tmp_path / "ct", volume())
    attributes = b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(4000)
    for file in list(folder.iterdir()):
        (folder / f"._{file.name}").write_bytes(attributes)
    ct, record = import_ct(folder, "P1")
    assert (sitk.GetArrayFromImage(ct) == volume()).all()
    assert record["ignored_files"] == 6


def test_one_file_names_its_series_in_a_shared_folder(tmp_path):
    write_series(tmp_path / "ct", volume(seed=1), prefix="a")
    write_series(tmp_path / "ct", volume(seed=2), prefix="b")
    ct, _ = import_ct(tmp_path / "ct" / "b00.dcm", "P1")
    assert (sitk.GetArrayFromImage(ct) == volume(seed=2)).all()


def in_two_folders(tmp_path, hu):
    """The slices of a series in the folders a and b."""
    for number, file in enumerate(sorted(write_series(tmp_path / "a", hu).iterdir())):
        (tmp_path / "b").mkdir(exist_ok=True)
        if number % 2:
            file.rename(tmp_path / "b" / file.name)
    return [tmp_path / "a", tmp_path / "b"]


def test_a_series_in_two_folders_is_read_whole_from_both(tmp_path):
    hu = volume()
    ct, record = import_ct(in_two_folders(tmp_path, hu), "P1")
    assert (sitk.GetArrayFromImage(ct) == hu).all()
    assert (record["n_slices"], record["ignored_files"]) == (6, 0)


def test_files_name_a_series_that_shares_its_folders_with_others(tmp_path):
    hu = volume()
    folders = in_two_folders(tmp_path, hu)
    for folder in folders:
        write_series(folder, volume((3, 16, 20), seed=1), prefix="other")
    files = [sorted(folder.glob("slice*"))[0] for folder in folders]
    ct, _ = import_ct([files[0], folders[1]], "P1")
    assert (sitk.GetArrayFromImage(ct) == hu).all()
    refused_ct(folders, "3 series")
    refused_ct([files[0], next(folders[1].glob("other*"))], "2 files name 2 series")


def test_copies_of_slices_are_read_once_and_different_images_of_one_uid_are_not_copies(tmp_path):
    folder = write_series(tmp_path / "ct", volume())
    for number, file in enumerate(sorted(folder.iterdir())[:3]):
        shutil.copy(file, folder / f"copy{number}.dcm")
    ct, record = import_ct(folder, "P1")
    assert (sitk.GetArrayFromImage(ct) == volume()).all()
    assert record["ignored_files"] == 3
    header = pydicom.dcmread(folder / "copy0.dcm")
    header.PixelData = bytes(len(header.PixelData))
    header.save_as(folder / "copy0.dcm")
    refused_ct(folder, "1 slice positions occur twice")


def test_the_scans_of_two_persons_under_one_series_uid_are_two_series(tmp_path):
    write_series(tmp_path, volume(), prefix="a", SeriesInstanceUID="1.2.3", PatientID="A")
    write_series(tmp_path, volume(), prefix="b", SeriesInstanceUID="1.2.3", PatientID="B")
    refused_ct(tmp_path, "2 series (6 and 6 slices)")


def test_series_without_uids_are_told_by_their_numbers(tmp_path):
    hu = volume()
    write_series(tmp_path, hu, prefix="a", SeriesInstanceUID="", SeriesNumber=3)
    write_series(tmp_path, volume(seed=1), prefix="b", SeriesInstanceUID="", SeriesNumber=4)
    refused_ct(tmp_path, "2 series")
    ct, _ = import_ct(sorted(tmp_path.glob("a*"))[0], "P1")
    assert (sitk.GetArrayFromImage(ct) == hu).all()


def test_one_file_without_preamble_names_its_series(tmp_path):
    hu = volume()
    folder = write_series(tmp_path / "ct", hu, syntax=ImplicitVRLittleEndian)
    write_series(folder, volume(seed=1), prefix="z")
    for file in folder.glob("slice*"):
        header = pydicom.dcmread(file)
        del header.file_meta
        pydicom.dcmwrite(file, header, implicit_vr=True, little_endian=True)
        file.rename(folder / f"IM{file.stem[5:]}")
    ct, _ = import_ct(sorted(folder.glob("IM*"))[0], "P1")
    assert (sitk.GetArrayFromImage(ct) == hu).all()


@pytest.mark.parametrize(
    ("key", "value", "lossy"),
    [("LossyImageCompression", "01", True), ("LossyImageCompression", "00", None),
     ("LossyImageCompression", "", None)],
    ids=["lossy", "lossless", "not stated"],
)  # fmt: skip
def test_compression_with_loss_is_recorded(tmp_path, key, value, lossy):
    folder = write_series(tmp_path / "ct", volume(), **{key: value})
    assert import_ct(folder, "P1")[1]["lossy_compression"] is lossy


def test_another_number_of_slices_than_drafted_is_refused():
    refuse_other_slice_count(20, "20", "P07")
    refuse_other_slice_count(20, "", "P07")
    with refused_patient("the CT has 20 slices", "says 41", "all folders of the series"):
        refuse_other_slice_count(20, "41", "P07")


def test_a_list_of_paths_that_are_not_all_dicom_is_refused(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(b"\x1f\x8b")
    refused_ct([tmp_path / "a.nii.gz", write_series(tmp_path / "ct", volume())], "2 paths")


def test_a_folder_without_dicom_is_refused_and_its_subfolders_are_counted(tmp_path):
    (tmp_path / "series1").mkdir()
    refused_ct(tmp_path, "no DICOM file", "1 folder within it, not looked into")
    (tmp_path / "readme.txt").write_text("Modality CT " * 40)
    refused_ct(tmp_path, "no DICOM file")


def test_a_file_that_cannot_be_opened_may_be_a_slice_and_is_refused(tmp_path):
    folder = write_series(tmp_path / "ct", volume())
    (folder / "IM0007").symlink_to(tmp_path / "not fetched")
    refused_ct(folder, "IM0007", "cannot be opened", "No such file")


def test_two_series_in_one_folder_are_refused_with_their_counts_and_no_uid(tmp_path):
    write_series(tmp_path, volume(), prefix="a")
    write_series(tmp_path, volume((4, 16, 20)), prefix="b")
    message = refused_ct(tmp_path, "2 series", "6 and 4 slices", "name one file")
    assert "1.2.826" not in message


def test_files_named_by_uids_are_named_by_their_ends(tmp_path):
    folder = write_series(tmp_path, volume())
    first = sorted(folder.iterdir())[0]
    cut = folder / "1.2.826.0.1.3680043.8.498.1234567890.dcm"
    cut.write_bytes(first.read_bytes()[:-40])
    with pytest.raises(BadPatient) as refusal:
        import_ct(folder, "P1")
    assert "567890.dcm is damaged" in str(refusal.value)
    assert "1.2.826" not in str(refusal.value)


def test_images_of_another_modality_are_refused(tmp_path):
    write_series(tmp_path, volume(), Modality="MR")
    refused_ct(tmp_path, "not CT", "6 MR")


@pytest.mark.parametrize("left", [0, 50, 140, 400, -20])
def test_a_dicom_file_that_was_cut_short_is_refused(tmp_path, left):
    write_series(tmp_path, volume())
    file = sorted(tmp_path.iterdir())[2]
    file.write_bytes(file.read_bytes()[:left])
    refused_ct(tmp_path, file.name, "damaged or cut short")


def test_a_compressed_slice_that_was_cut_short_is_refused(tmp_path):
    write_series(tmp_path, volume())
    for file in tmp_path.iterdir():
        header = pydicom.dcmread(file)
        header.compress(RLELossless)
        header.save_as(file)
    file.write_bytes(file.read_bytes()[:-300])
    refused_ct(tmp_path)
