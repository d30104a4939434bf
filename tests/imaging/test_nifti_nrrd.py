"""NIfTI and NRRD files: orthonormal directions, and every damaged or unfit file refused."""

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_of, refused_ct, refused_patient
from helpers.dicom_series import volume, write_series
from livermets.imaging.ct import import_ct
from livermets.imaging.nifti_nrrd import read_volume


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


def test_a_sheared_nifti_and_nrrd_are_refused(tmp_path):
    affine = np.diag([0.8, 0.7, 2.5, 1.0])
    affine[1, 2] = 2.5 * np.tan(np.radians(10))
    scan = nibabel.Nifti1Image(volume().T, affine)
    scan.set_qform(None, 0)
    nibabel.save(scan, tmp_path / "ct.nii.gz")
    refused_ct(tmp_path / "ct.nii.gz", "sheared by 10.0°")
    header = (
        "NRRD0005\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 20 16 6\n"
        "space directions: (0.8,0,0) (0,0.7,0) (0,0.4408,2.5)\nkinds: domain domain domain\n"
        "endian: little\nencoding: raw\nspace origin: (0,0,0)\n\n"
    )
    (tmp_path / "ct.nrrd").write_bytes(header.encode() + volume().tobytes())
    refused_ct(tmp_path / "ct.nrrd", "sheared by 10.0°")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
@pytest.mark.parametrize("kind", ["<f4", ">f8"])
def test_nan_voxels_are_refused_with_their_number(tmp_path, suffix, kind):
    values = volume().astype(kind)
    values[2, 3, 4:6] = np.nan, np.inf
    path = tmp_path / f"ct{suffix}"
    if suffix == ".nrrd":
        sitk.WriteImage(ct_of(values.astype(kind[1:])), path)
    else:  # ITK itself reads NaN in NIfTI as 0 HU
        header = nibabel.Nifti1Header(endianness=kind[0])
        header.set_data_dtype(kind)
        nibabel.save(nibabel.Nifti1Image(values.T, np.eye(4), header), path)
    refused_ct(path, "2 voxels", "NaN")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
@pytest.mark.parametrize(
    "part", [0, 0.01, 0.5, 0.98], ids=["nothing left", "1 percent", "half", "98 percent"]
)
def test_a_volume_that_was_cut_short_is_refused(tmp_path, suffix, part):
    path = tmp_path / f"ct{suffix}"
    sitk.WriteImage(ct_of(volume()), path, suffix == ".nrrd")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    refused_ct(path, "damaged or cut short")


def contradiction(path, change):
    """A NIfTI whose sform and qform agree until `change` edits its header."""
    affine = np.diag([-0.8, -0.7, 2.5, 1.0])
    scan = nibabel.Nifti1Image(volume().T, affine)
    scan.set_sform(affine, 1)
    scan.set_qform(affine, 1)
    change(scan.header)
    nibabel.save(scan, path)
    return path


def moved(header, code=1, **matrix):
    affine = header.get_sform()
    for position, value in matrix.items():
        affine[int(position[2]), int(position[3])] = value
    header.set_qform(affine, code)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: moved(header, at03=12.0),
        lambda header: moved(header, at00=0.8),
        lambda header: moved(header, at22=-2.5),
        lambda header: moved(header, at22=5.0),
    ],
    ids=["shifted", "mirrored", "upside down", "twice the spacing"],
)
@pytest.mark.parametrize("kind", ["CT", "mask"])
def test_a_sform_and_a_qform_that_disagree_are_refused_by_both(tmp_path, change, kind):
    path = contradiction(tmp_path / "ct.nii.gz", change)
    with refused_patient("sform", "qform", "apart"):
        read_volume(path, "P07", kind)


def test_a_pixdim_that_disagrees_with_the_sform_is_refused_with_both_spacings(tmp_path):
    def change(header):
        header.set_qform(None, 0)
        header["pixdim"][3] = 5

    path = contradiction(tmp_path / "ct.nii.gz", change)
    refused_ct(path, "0.8×0.7×2.5 mm in its sform", "0.8×0.7×5 mm in pixdim")


@pytest.mark.parametrize(
    "change",
    [
        lambda header: None,
        lambda header: moved(header, at03=0.01),
        lambda header: header.set_qform(None, 0),
        lambda header: header.set_sform(None, 0),
        lambda header: moved(header, code=0, at03=12.0),
    ],
    ids=["equal", "rounding", "sform alone", "qform alone", "a qform that is not valid"],
)
def test_headers_that_agree_or_have_one_form_are_read(tmp_path, change):
    ct, _ = import_ct(contradiction(tmp_path / "ct.nii.gz", change), "P1")
    assert (sitk.GetArrayFromImage(ct) == volume()).all()
    np.testing.assert_allclose(ct.GetSpacing(), (0.8, 0.7, 2.5), rtol=1e-5)


def test_a_nifti_whose_ending_and_compression_differ_is_refused_with_its_right_name(tmp_path):
    sitk.WriteImage(ct_of(volume()), tmp_path / "good.nii.gz")
    (tmp_path / "good.nii.gz").rename(tmp_path / "ct.nii")
    refused_ct(tmp_path / "ct.nii", "compressed by gzip", "Name it .nii.gz")
    for kind in "<>":
        header = nibabel.Nifti1Header(endianness=kind)
        header.set_data_dtype(f"{kind}i2")
        nibabel.save(nibabel.Nifti1Image(volume().T, np.eye(4), header), tmp_path / "good.nii")
        (tmp_path / "good.nii").rename(tmp_path / "ct.nii.gz")
        refused_ct(tmp_path / "ct.nii.gz", "not compressed", "Name it .nii.")


def test_files_of_other_formats_are_refused(tmp_path):
    (tmp_path / "ct.mha").write_text("no image")
    refused_ct(tmp_path / "ct.mha", "neither NIfTI nor NRRD")


def test_colour_four_dimensions_and_single_slices_are_refused(tmp_path):
    colour = sitk.Compose([ct_of(volume())] * 3)
    sitk.WriteImage(colour, tmp_path / "rgb.nrrd")
    refused_ct(tmp_path / "rgb.nrrd", "3 channels")
    nibabel.save(
        nibabel.Nifti1Image(np.zeros((8, 8, 8, 5), np.int16), np.eye(4)), tmp_path / "4d.nii"
    )
    refused_ct(tmp_path / "4d.nii", "8×8×8×5")
    sitk.WriteImage(ct_of(volume((1, 8, 8))), tmp_path / "flat.nii")
    refused_ct(tmp_path / "flat.nii", "8×8×1")
    write_series(tmp_path / "one", volume((1, 8, 8)))
    refused_ct(tmp_path / "one", "only one slice")
    write_series(
        tmp_path / "frames", volume((2, 8, 8)), NumberOfFrames=1, SamplesPerPixel=3, BitsAllocated=8
    )
    refused_ct(tmp_path / "frames")
