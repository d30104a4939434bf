"""Phantoms: what they look like, that they repeat, and that separability means what it says."""

import numpy as np
import pytest
import SimpleITK as sitk
from livermets.core.errors import BadInput
from livermets.phantoms.phantom import make_phantom
from scipy import ndimage

CLASSES = ["colorectal", "pancreatic"]
SMALL = {"size": (32, 96, 96), "spacing_mm": (2.5, 2.5, 3.0)}


def arrays(*args, **kwargs):
    return [sitk.GetArrayFromImage(image) for image in make_phantom(*args, **{**SMALL, **kwargs})]


def components(mask):
    return ndimage.label(mask == 2, np.ones((3, 3, 3)))


@pytest.fixture(scope="module")
def phantom():
    return make_phantom("P01", "pancreatic", CLASSES, 2023, **SMALL)


def test_types_grid_and_labels_are_those_of_the_study(phantom):
    ct, mask = phantom
    assert (ct.GetPixelID(), mask.GetPixelID()) == (sitk.sitkInt16, sitk.sitkUInt8)
    assert ct.GetSize() == mask.GetSize() == (96, 96, 32)
    assert ct.GetSpacing() == mask.GetSpacing() == (2.5, 2.5, 3.0)
    assert ct.GetOrigin() == mask.GetOrigin()
    assert set(np.unique(sitk.GetArrayViewFromImage(mask))) == {0, 1, 2}


def test_hounsfield_units_are_a_portal_venous_abdomens(phantom):
    hu, mask = (sitk.GetArrayFromImage(image) for image in phantom)
    assert hu.min() == -1024
    assert np.median(hu[:, 0]) < -1000  # air in front of the body
    assert 78 < hu[mask == 1].mean() < 105
    assert 36 < hu[mask == 2].mean() < 56
    assert 1000 < (mask > 0).sum() * 2.5 * 2.5 * 3.0 / 1000 * (280 / 240) ** 3 < 2200  # ml, scaled


def test_the_liver_is_one_piece_and_lesions_lie_inside_it():
    hu, mask = arrays("P02", "pancreatic", CLASSES, 1)
    assert ndimage.label(mask > 0)[1] == 1
    shell = ndimage.binary_dilation(mask == 2) & (mask != 2)
    assert set(np.unique(mask[shell])) == {1}


def test_lesions_are_separate_and_between_4_and_25_mm():
    _, mask = arrays("P03", "pancreatic", CLASSES, 1, lesions_per_class={c: 20 for c in CLASSES})
    labelled, number = components(mask)
    assert 10 <= number <= 40
    volume = np.bincount(labelled.ravel())[1:] * 2.5 * 2.5 * 3.0
    diameter = (6 * volume / np.pi) ** (1 / 3)
    assert diameter.max() < 26
    assert np.median(diameter) == pytest.approx(9, abs=3)


def test_a_few_lesions_fall_below_the_5_mm_rule():
    small = kept = 0
    for patient in ("P1", "P2", "P3", "P4"):
        labelled, number = components(arrays(patient, "pancreatic", CLASSES, 1)[1])
        for box in ndimage.find_objects(labelled):
            across = max(s.stop - s.start - 1 for s in box[1:]) * 2.5
            small, kept = small + (across < 5), kept + (across >= 5)
    assert 0 < small < 0.4 * kept


def test_the_number_of_lesions_follows_the_class_means():
    wanted = {"colorectal": 4, "pancreatic": 12}
    found = {
        label: np.mean(
            [
                components(arrays(f"N{k}", label, CLASSES, 5, lesions_per_class=wanted)[1])[1]
                for k in range(6)
            ]
        )
        for label in CLASSES
    }
    assert found["colorectal"] == pytest.approx(4, rel=0.4)
    assert found["pancreatic"] == pytest.approx(12, rel=0.4)


def test_the_same_seed_gives_the_same_bytes_and_another_patient_or_seed_does_not():
    first = arrays("P01", "colorectal", CLASSES, 2023)
    for again, same in (
        (arrays("P01", "colorectal", CLASSES, 2023), True),
        (arrays("P02", "colorectal", CLASSES, 2023), False),
        (arrays("P01", "colorectal", CLASSES, 2024), False),
    ):
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True)) is same


@pytest.mark.parametrize(
    "classes", [CLASSES, ["a", "b", "c", "d"]], ids=["two classes", "four classes"]
)
def test_at_zero_separability_the_label_touches_no_voxel(classes):
    first, last = (
        arrays("P01", label, classes, 3, separability=0) for label in classes[:: len(classes) - 1]
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, last, strict=True))


def test_at_full_separability_texture_differs_and_the_mean_hardly():
    """The same lesions drawn as either class: what differs is the class and nothing else."""
    equal = {c: 12 for c in CLASSES}
    (hu0, mask), (hu1, same) = (
        arrays("P04", label, CLASSES, 7, lesions_per_class=equal) for label in CLASSES
    )
    assert np.array_equal(mask, same)
    inside = ndimage.binary_erosion(mask == 2)
    assert hu1[inside].std() > 1.4 * hu0[inside].std()
    assert hu1[inside].mean() == pytest.approx(hu0[inside].mean(), abs=6)
    assert np.abs(hu1[mask == 0].astype(int) - hu0[mask == 0]).max() <= 1  # rounding


def test_noise_is_spatially_correlated_as_a_scanners(phantom):
    hu, mask = (sitk.GetArrayFromImage(image).astype(float) for image in phantom)
    deep = ndimage.binary_erosion(mask == 1, iterations=3)
    pairs = deep[:, :, 1:] & deep[:, :, :-1]
    near = np.corrcoef(hu[:, :, 1:][pairs], hu[:, :, :-1][pairs])[0, 1]
    assert near > 0.1
    assert 7 < hu[deep].std() < 20


def test_an_unknown_label_and_an_impossible_separability_are_refused():
    with pytest.raises(BadInput, match="gastric"):
        make_phantom("P01", "gastric", CLASSES, 1)
    with pytest.raises(BadInput, match="separability is 2"):
        make_phantom("P01", "colorectal", CLASSES, 1, separability=2)
