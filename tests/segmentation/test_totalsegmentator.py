"""TotalSegmentator's steps around nnU-Net, against the same steps by nibabel and SciPy."""

import zipfile

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from helpers.nnunet_models import CPU, peer, random_model
from livermets.segmentation.inference import segment
from livermets.segmentation.model_archive import hash_model
from livermets.segmentation.model_chain import load_chain
from livermets.segmentation.nnunet_model import load_model
from livermets.segmentation.totalsegmentator import predict_like_totalsegmentator
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from scipy import ndimage

LABELS = {"background": 0, "liver": 1, "liver_lesions": 2}


@pytest.fixture
def ct(tmp_path) -> sitk.Image:
    """A CT whose voxels lie neither upright nor in the model's spacing of 4 × 2 × 2 mm."""
    hu = np.random.default_rng(3).normal(60, 60, (14, 24, 21)).clip(-200, 300).astype(np.int16)
    image = sitk.GetImageFromArray(ndimage.gaussian_filter(hu, 1))
    image.SetSpacing((2.4, 2.9, 3.1))
    image.SetOrigin((-10.0, 7.0, 3.0))
    return sitk.DICOMOrient(image, "PIL")


def by_nibabel(model, ct: sitk.Image, folder) -> np.ndarray:
    """Labels (z, y, x) as the package makes them: nnU-Net is asked for the resampled CT alone."""
    sitk.WriteImage(ct, str(folder / "ct.nii.gz"))
    original = nibabel.load(folder / "ct.nii.gz")
    upright = nibabel.as_closest_canonical(original)
    spacing = np.array([2.0, 2.0, 4.0])
    hu = upright.get_fdata()
    coarse = ndimage.zoom(hu, upright.header.get_zooms() / spacing, order=1, mode="nearest")
    coarse = coarse.astype(np.int32)
    labels = peer(model, coarse.T, spacing[::-1], mirroring=False).T
    fine = ndimage.zoom(labels, np.divide(hu.shape, labels.shape), order=0, mode="nearest")
    back = ornt_transform(axcodes2ornt("RAS"), io_orientation(original.affine))
    image = nibabel.Nifti1Image(fine.astype(np.uint8), upright.affine).as_reoriented(back)
    return np.asarray(image.dataobj).T


def test_labels_are_those_of_the_packages_steps(ct, tmp_path):
    model = random_model(tmp_path / "model", LABELS)
    theirs = by_nibabel(model, ct, tmp_path)
    loaded = load_model(model, [0], "checkpoint_final.pth", CPU, mirroring=False)
    ours = predict_like_totalsegmentator(loaded, ct, [2])
    assert len(np.unique(theirs)) == 3
    assert (ours.labels != theirs).mean() < 2e-3  # ties of float16
    assert ours.lesion_probability[ours.labels == 2].min() > 1 / 3


def test_a_ct_in_the_spacing_of_the_model_is_not_resampled(ct, tmp_path):
    model = random_model(tmp_path / "model", LABELS)
    ct = sitk.DICOMOrient(ct, "RAS")
    ct.SetSpacing((2.0, 2.0, 4.0))
    hu = sitk.GetArrayFromImage(ct)
    loaded = load_model(model, [0], "checkpoint_final.pth", CPU, mirroring=False)
    theirs = peer(model, hu, (4.0, 2.0, 2.0), mirroring=False)
    assert (predict_like_totalsegmentator(loaded, ct).labels != theirs).mean() < 2e-3


def test_a_zip_in_the_layout_of_its_releases_is_run_with_its_settings(ct, tmp_path):
    """Data set, then trainer__plans__configuration; one fold; keys of one model beside others'."""
    layout = "Dataset591_ct_liver_lesions_842subj/nnUNetTrainer__nnUNetPlans__3d_fullres_high"
    model = random_model(tmp_path / layout, LABELS, configuration="3d_fullres_high")
    file = tmp_path / "Dataset591_ct_liver_lesions_842subj.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(model.rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
    lesions = {
        "name": "lesions", "path": file, "sha256": hash_model(file), "labels": {"lesion": 2},
        "preprocessing": "totalsegmentator", "mirroring": False, "step_size": None,
    }  # fmt: skip
    chain = load_chain([lesions], "cpu", mirroring=True, cache_dir=tmp_path / "cache")
    mask = sitk.GetArrayFromImage(segment(ct, chain).mask)
    assert ((mask == 2) != (by_nibabel(model, ct, tmp_path) == 2)).mean() < 2e-3
    assert (mask == 2).any()
