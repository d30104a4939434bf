"""What phantoms of two classes differ by: texture alone, size alone, both, or as in the paper.

The same patients are drawn as either class, so that what the class does not change is equal to the
last bit, and its AUC is .5 without an error of sampling.
"""

import functools

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from livermets.core.errors import BadInput
from livermets.phantoms.class_traits import DIFFERENCES, class_traits
from livermets.phantoms.phantom import make_phantom
from livermets.radiomics.extraction import LesionExtractor
from scipy import ndimage
from sklearn.metrics import roc_auc_score

CLASSES = ["colorectal", "pancreatic"]
SMALL = {"size": (32, 96, 96), "spacing_mm": (2.5, 2.5, 3.0)}
FINE = {"size": (32, 128, 128), "spacing_mm": (1.9, 1.9, 3.0)}
PATIENTS = [f"P{number}" for number in range(6)]
EQUAL = {"colorectal": 8, "pancreatic": 8}
SETS = {"original": {}, "shuffled": {"shuffle": True, "seed": 1, "classes": ["glcm"]}}


def arrays(patient, label, **kwargs):
    settings = {**SMALL, "lesions_per_class": EQUAL, **kwargs}
    images = make_phantom(patient, label, CLASSES, 2023, **settings)
    return [sitk.GetArrayFromImage(image).astype(int) for image in images]


def lesions_of(mask):
    return ndimage.label(mask == 2, np.ones((3, 3, 3)))


@functools.cache
def features(differ_by: str) -> pd.DataFrame:
    """First-order, shape and GLCM features of every lesion of the patients, drawn as each class."""
    extractor = LesionExtractor({"binWidth": 25}, ["firstorder", "shape", "glcm"], SETS)
    rows = []
    for patient in PATIENTS:
        for label in CLASSES:
            hu, mask = arrays(patient, label, differ_by=differ_by)
            ct, lesions = (
                sitk.GetImageFromArray(a.astype(np.int16)) for a in (hu, lesions_of(mask)[0])
            )
            for image in (ct, lesions):
                image.SetSpacing(SMALL["spacing_mm"])
            found = extractor.extract(ct, lesions)
            rows += [{**row, "patient": patient, "label": label} for row in found]
    return pd.DataFrame(rows).drop(columns="radiomics_reason")


def auc(differ_by, feature, by_patient=False):
    table = features(differ_by)
    if by_patient:
        table = table.groupby(["patient", "label"], as_index=False).mean()
    # a lesion of few voxels has no texture, and has none as either class
    values = table[feature].astype(float).fillna(-1).round(6)
    return roc_auc_score(table["label"] == "pancreatic", values)


def columns(differ_by, start):
    return [name for name in features(differ_by) if name.startswith(start)]


def test_by_texture_alone_every_lesion_keeps_its_voxels_place_and_values():
    for patient in PATIENTS[:3]:
        (hu0, mask0), (hu1, mask1) = (arrays(patient, c, differ_by="texture") for c in CLASSES)
        assert np.array_equal(mask0, mask1)
        assert np.array_equal(hu0[mask0 != 2], hu1[mask0 != 2])
        labelled, number = lesions_of(mask0)
        assert number >= 4
        for lesion in range(1, number + 1):
            inside = labelled == lesion
            assert np.array_equal(np.sort(hu0[inside]), np.sort(hu1[inside]))
        assert not np.array_equal(hu0, hu1)


def test_by_texture_alone_first_order_shape_and_volume_carry_nothing_and_glcm_tells():
    for name in columns("texture", ("original_firstorder", "original_shape")):
        assert auc("texture", name) == pytest.approx(0.5, abs=1e-12), name
        assert auc("texture", name, by_patient=True) == pytest.approx(0.5, abs=1e-12), name
    assert auc("texture", "original_glcm_Correlation") > 0.65
    assert auc("texture", "original_glcm_Correlation", by_patient=True) == 1
    assert auc("texture", "original_glcm_Contrast", by_patient=True) < 0.2


def test_by_texture_alone_shuffled_voxels_carry_nothing():
    """Each lesion has the same voxels, in an order that chance made: AUCs near .5."""
    aucs = [auc("texture", name) for name in columns("texture", "shuffled_glcm")]
    assert np.abs(np.array(aucs) - 0.5).max() < 0.06


def test_by_size_alone_the_volume_tells():
    assert auc("size", "original_shape_VoxelVolume") > 0.75
    assert auc("size", "original_shape_VoxelVolume", by_patient=True) == 1
    assert 0.3 < auc("size", "original_firstorder_Mean") < 0.7


@pytest.mark.parametrize(
    ("differ_by", "coarseness", "volume"),
    [("size", (0.2, 0.8), 1), ("texture", (0.95, 1), 0.5), ("both", (0.95, 1), 1)],
    ids=["size", "texture", "both"],
)
def test_texture_in_the_core_of_lesions_and_their_volume_tell_what_they_should(
    differ_by, coarseness, volume
):
    """The correlation of neighbours, away from the edge, where size shows as partial volume."""
    of_class = []
    for label in CLASSES:
        for patient in PATIENTS[:4]:
            hu, mask = arrays(patient, label, differ_by=differ_by, **FINE)
            core, _ = lesions_of(2 * ndimage.binary_erosion(mask == 2))
            pairs = (core[:, :, 1:] == core[:, :, :-1]) & (core[:, :, 1:] > 0)
            neighbours = np.corrcoef(hu[:, :, 1:][pairs], hu[:, :, :-1][pairs])[0, 1]
            of_class.append((label, neighbours, (mask == 2).sum() / lesions_of(mask)[1]))
    labels, neighbours, volumes = map(np.array, zip(*of_class, strict=True))
    low, high = coarseness
    assert low <= roc_auc_score(labels == "pancreatic", neighbours) <= high
    assert roc_auc_score(labels == "pancreatic", volumes) == volume


@pytest.mark.parametrize("differ_by", ["texture", "size", "both"])
def test_patients_of_all_classes_have_as_many_lesions(differ_by):
    traits = [class_traits(label, CLASSES, differ_by) for label in CLASSES]
    assert traits[0].lesions == traits[1].lesions == pytest.approx((9.25 + 27.77) / 2)
    assert traits[0].mean_hu == traits[1].mean_hu
    assert traits[0].texture_hu == traits[1].texture_hu


@pytest.mark.parametrize("differ_by", DIFFERENCES)
def test_without_separability_no_class_differs(differ_by):
    traits = [class_traits(label, "abc", differ_by, separability=0) for label in "abc"]
    assert traits[0] == traits[1] == traits[2]


def test_contradictions_are_refused():
    with pytest.raises(BadInput, match="differ_by is texture: give every class the same number"):
        class_traits("a", "ab", "texture", lesions_per_class={"a": 6, "b": 12})
    with pytest.raises(BadInput, match="phantoms.differ_by is 'shape'; give one of paper, texture"):
        class_traits("a", "ab", "shape")
