"""Files that are no CT in HU, or do not say how large a voxel is: refused with the right remedy."""

import re
import shutil
import struct
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_of, refused_ct
from helpers.dicom_series import volume, write_series
from livermets.imaging.ct import import_ct


def edited(folder: Path, change) -> Path:
    """A series whose headers `change` has edited."""
    for file in write_series(folder, volume()).iterdir():
        header = pydicom.dcmread(file)
        change(header)
        header.save_as(file)
    return folder


def test_white_air_is_refused_by_its_tag(tmp_path):
    folder = write_series(tmp_path / "ct", volume(), PhotometricInterpretation="MONOCHROME1")
    refused_ct(folder, "is stored as MONOCHROME1", "Export the series again")


def test_a_value_that_marks_the_outside_of_the_scan_is_not_taken_for_metal(tmp_path):
    def pad(header: pydicom.Dataset) -> None:
        stored = np.frombuffer(header.PixelData, np.uint16).copy()
        stored[:100] = 63536  # -2000, if it were read with its sign
        header.PixelData, header.PixelRepresentation = stored.tobytes(), 0
        header.add_new("PixelPaddingValue", "US", 63536)

    folder = edited(tmp_path / "ct", pad)
    refused_ct(folder, "31.2% of the voxels of the CT lie above 32767 HU", "highest at 62512 HU")


def test_dicom_with_fractions_in_place_of_whole_numbers_is_called_a_map(tmp_path):
    def as_map(header: pydicom.Dataset) -> None:
        header.FloatPixelData = np.zeros(header.Rows * header.Columns, np.float32).tobytes()
        del header.PixelData

    refused_ct(edited(tmp_path / "ct", as_map), "holds fractions", "the series of the CT itself")


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_a_packed_export_is_to_be_unpacked(tmp_path, kind):
    folder = write_series(tmp_path / "ct", volume())
    archive = shutil.make_archive(str(tmp_path / "export"), kind, folder)
    refused_ct(Path(archive), "is a packed archive", "Unpack it")


def test_the_table_of_contents_of_a_cd_is_no_scan(tmp_path):
    write_series(tmp_path / "IMAGES", volume())
    (tmp_path / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    refused_ct(tmp_path / "DICOMDIR", "table of contents of a CD", "make cohort")


def test_a_folder_of_nifti_files_is_told_from_a_folder_without_images(tmp_path):
    sitk.WriteImage(ct_of(volume()), tmp_path / "P1.nii.gz")
    refused_ct(tmp_path, "1 NIfTI or NRRD files (P1.nii.gz)", "Name the file itself")


@pytest.mark.parametrize("mm", [0.001, 0.1, 100.0], ids=["metres", "centimetres", "micrometres"])
def test_a_nifti_in_another_unit_than_its_header_says_is_refused(tmp_path, mm):
    image = nibabel.Nifti1Image(volume().T, np.diag([0.8 * mm, 0.7 * mm, 2.5 * mm, 1]))
    nibabel.save(image, tmp_path / "ct.nii.gz")
    refused_ct(tmp_path / "ct.nii.gz", "mm apart, as in no CT", "another unit")


@pytest.mark.parametrize(
    ("unit", "mm"), [("meter", 0.001), ("micron", 1000)], ids=["metres", "micrometres"]
)
def test_a_nifti_that_states_its_unit_is_read_in_mm(tmp_path, unit, mm):
    image = nibabel.Nifti1Image(volume().T, np.diag([0.8 * mm, 0.7 * mm, 2.5 * mm, 1]))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "ct.nii.gz")
    spacing = import_ct(tmp_path / "ct.nii.gz", "P1")[1]["spacing_mm"]
    assert spacing == pytest.approx([0.8, 0.7, 2.5], rel=1e-5)  # float32 in the header


def test_nifti_2_is_called_by_its_name(tmp_path):
    image = nibabel.Nifti2Image(volume().T, np.diag([0.8, 0.7, 2.5, 1]))
    nibabel.save(image, tmp_path / "ct.nii.gz")
    refused_ct(tmp_path / "ct.nii.gz", "is a NIfTI-2 file", "Save it as NIfTI-1")


def nrrd(path: Path, *changes: tuple[bytes, bytes]) -> Path:
    """An NRRD of a CT whose header was edited by regular expressions."""
    sitk.WriteImage(ct_of(volume()), path, useCompression=False)
    header, _, voxels = path.read_bytes().partition(b"\n\n")
    for pattern, text in changes:
        header = re.sub(pattern, text, header)
    path.write_bytes(header + b"\n\n" + voxels)
    return path


GEOMETRY = (rb"space: .*\n", b""), (rb"\nspace origin:.*", b"")


def test_an_nrrd_without_distances_of_its_voxels_is_refused(tmp_path):
    path = nrrd(tmp_path / "ct.nrrd", *GEOMETRY, (rb"space directions:.*\n", b""))
    refused_ct(path, "does not state the distances of its voxels", "in mm")
    path = nrrd(tmp_path / "ct.nrrd", *GEOMETRY, (rb"space directions:", b"spacings: 0.8 0.7 2.5#"))
    assert import_ct(path, "P1")[1]["spacing_mm"] == [0.8, 0.7, 2.5]


def test_an_nrrd_in_centimetres_is_refused(tmp_path):
    path = nrrd(tmp_path / "ct.nrrd", (rb"\Z", b'\nspace units: "cm" "cm" "cm"'))
    refused_ct(path, "measured in cm, not in mm")
    path = nrrd(tmp_path / "ct.nrrd", (rb"\Z", b'\nspace units: "mm" "mm" "mm"'))
    assert import_ct(path, "P1")[1]["n_slices"] == 6


def test_the_header_of_an_nrrd_whose_voxels_were_left_behind_names_their_file(tmp_path):
    path = nrrd(tmp_path / "ct.nrrd")
    header = path.read_bytes().partition(b"\n\n")[0]
    (tmp_path / "ct.nhdr").write_bytes(header + b"\ndata file: ct.raw\n")
    refused_ct(tmp_path / "ct.nhdr", "the file of its voxels, ct.raw, is not there", "Copy")


def test_a_slope_that_an_analysis_program_left_empty_means_no_rescaling(tmp_path):
    """NaN in scl_slope, as some programs write it."""
    nibabel.save(nibabel.Nifti1Image(volume().T, np.diag([0.8, 0.7, 2.5, 1])), tmp_path / "ct.nii")
    data = bytearray((tmp_path / "ct.nii").read_bytes())
    data[112:120] = struct.pack("<ff", np.nan, np.nan)
    (tmp_path / "ct.nii").write_bytes(data)
    ct, _ = import_ct(tmp_path / "ct.nii", "P1")
    assert np.array_equal(sitk.GetArrayFromImage(ct), volume())
