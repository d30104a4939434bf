"""The slices of a CT series: read in HU on their grid, or refused by file and tag."""

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from helpers.ct_images import refused_ct
from helpers.dicom_series import SPACING, raw_tags, volume, write_series
from livermets.core.errors import BadPatient
from livermets.imaging.ct import import_ct
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
    assert facts["spacing_mm"][2] == pytest.approx(2.5, abs=1e-12)


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


@pytest.mark.parametrize(
    ("key", "value", "lossy"),
    [("LossyImageCompression", "01", True), ("LossyImageCompression", "00", None),
     ("LossyImageCompression", "", None)],
    ids=["lossy", "lossless", "not stated"],
)  # fmt: skip
def test_compression_with_loss_is_recorded(tmp_path, key, value, lossy):
    folder = write_series(tmp_path / "ct", volume(), **{key: value})
    assert import_ct(folder, "P1")[1]["lossy_compression"] is lossy


def test_files_named_by_uids_are_named_by_their_ends(tmp_path):
    folder = write_series(tmp_path, volume())
    first = sorted(folder.iterdir())[0]
    cut = folder / "1.2.826.0.1.3680043.8.498.1234567890.dcm"
    cut.write_bytes(first.read_bytes()[:-40])
    with pytest.raises(BadPatient) as refusal:
        import_ct(folder, "P1")
    assert "567890.dcm is damaged" in str(refusal.value)
    assert "1.2.826" not in str(refusal.value)


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
