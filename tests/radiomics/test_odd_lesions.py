"""Lesions too small or too odd for a feature keep their row, with the reason."""

import numpy as np
import pytest
import radiomics
import SimpleITK as sitk
from helpers.lesion_scans import (
    DEFAULT,
    four_lesions,
    image,
    missing,
    noise,
    on_whole_ct,
    one_lesion,
)
from helpers.one_lesion import extract_lesion
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_classes import FEATURE_CLASSES, MATRICES
from livermets.radiomics.feature_files import REASON


@pytest.fixture(scope="module")
def scan():
    """A noisy CT and four lesions."""
    return four_lesions()


def test_a_slice_reduced_to_a_line_leaves_only_the_2d_shape_missing():
    labels = np.zeros((12, 20, 20), np.uint16)
    labels[2:8, 5, 4:9] = 1
    row = extract_lesion(noise(labels), image(labels), 1, DEFAULT, FEATURE_CLASSES)
    assert missing(row) == {name for name in row if "shape2D" in name}
    assert row[REASON].startswith("shape2D: ValueError: mask has too few dimensions")


@pytest.mark.parametrize(
    ("labels", "settings", "reason"),
    [
        (one_lesion(3, 4, 5), {}, "only contains 1 segmented voxel"),
        (one_lesion(3, 4, slice(5, 12)), {}, "too few dimensions"),
        (one_lesion(slice(2, 9), 4, 5), {}, "too few dimensions"),
        (one_lesion(3, 4, slice(5, 7)), {}, "too few dimensions"),
        (one_lesion(3, slice(4, 8), slice(5, 7)), {"minimumROIDimensions": 3}, "too few dim"),
        (one_lesion(slice(3, 5), 4, slice(5, 7)), {"minimumROISize": 9}, "too small"),
        (
            one_lesion(slice(3, 5), slice(4, 6), slice(5, 7)),
            {"resampledPixelSpacing": [30, 30, 30]},
            "not present",
        ),
    ],
    ids=["voxel", "row", "column", "pair", "flat", "few", "lost-in-resampling"],
)
def test_a_lesion_pyradiomics_refuses_keeps_its_row_of_nans_and_the_reason(
    labels, settings, reason
):
    row = extract_lesion(noise(labels), image(labels), 1, DEFAULT | settings, FEATURE_CLASSES)
    assert missing(row) == set(LesionExtractor(DEFAULT, FEATURE_CLASSES).columns)
    assert row[REASON].startswith("all features: ValueError: ")
    assert reason in row[REASON]


def test_a_line_is_measured_where_the_settings_allow_it():
    labels = one_lesion(3, 4, slice(5, 12))
    row = extract_lesion(
        noise(labels), image(labels), 1, {"minimumROIDimensions": 1}, FEATURE_CLASSES
    )
    assert not missing(row)
    # Seven points s apart have the variance (7² - 1) s² / 12; the axis is four times its root.
    assert row["original_shape_MajorAxisLength"] == pytest.approx(8 * 0.7421875)


def test_a_flat_lesion_in_an_axial_slice_has_every_feature():
    labels = one_lesion(3, slice(4, 9), slice(5, 12))
    settings = {"binWidth": 25, "resampledPixelSpacing": [1, 1, 1]}  # one slice: z stays as it is
    for chosen in (DEFAULT, settings):
        row = extract_lesion(noise(labels), image(labels), 1, chosen, FEATURE_CLASSES)
        truth = on_whole_ct(noise(labels), image(labels), 1, chosen)
        assert not missing(row)
        assert {k: row[k] for k in truth} == truth


def test_a_constant_lesion_has_pyradiomics_values_and_no_crash():
    labels = one_lesion(slice(3, 7), slice(4, 9), slice(5, 12))
    ct = image(np.full(labels.shape, 40, np.int16))
    row = extract_lesion(ct, image(labels), 1, DEFAULT, FEATURE_CLASSES)
    truth = on_whole_ct(ct, image(labels), 1, DEFAULT)
    assert {k: row[k] for k in truth} == truth
    assert row["original_firstorder_Variance"] == 0
    assert not missing(row)


def test_features_without_neighbours_are_nan_and_named():
    labels = one_lesion(slice(3, 9, 2), slice(4, 12, 2), slice(4, 12, 2))  # no two voxels touch
    row = extract_lesion(noise(labels), image(labels), 1, DEFAULT, FEATURE_CLASSES)
    assert missing(row) == {name for name in row if "_glcm_" in name}
    assert row[REASON] == "glcm: not defined for this lesion"


def test_a_resegmentation_that_leaves_nothing_names_every_class_but_the_2d_shape():
    labels = one_lesion(slice(3, 7), slice(4, 9), slice(5, 12))
    settings = {"resegmentRange": [3000, 4000]}
    row = extract_lesion(noise(labels), image(labels), 1, settings, FEATURE_CLASSES)
    assert "Resegmentation excluded too many voxels" in row[REASON]
    names = LesionExtractor(settings, FEATURE_CLASSES).columns
    assert missing(row) == {n for n in names if "shape2D" not in n}


@pytest.mark.parametrize("distance", [2, 3], ids=["as long as the lesion", "longer"])
def test_neighbours_beyond_the_lesion_leave_the_classes_that_compare_them_missing(distance):
    labels = one_lesion(slice(3, 5), slice(4, 6), slice(5, 7))
    settings = {"binWidth": 25, "distances": [distance]}
    row = extract_lesion(noise(labels), image(labels), 1, settings, FEATURE_CLASSES)
    assert f"distances [{distance}] reach beyond the lesion, which is at most 2" in row[REASON]
    names = LesionExtractor(settings, FEATURE_CLASSES).columns
    assert missing(row) == {n for n in names if n.split("_")[1] in ("glcm", "gldm", "ngtdm")}


def test_metal_with_narrow_bins_leaves_the_matrices_missing_and_takes_no_memory():
    """30,000 levels would make a matrix of 94 GB."""
    labels = one_lesion(slice(3, 7), slice(4, 9), slice(5, 12))
    ct = noise(labels)
    ct[6, 5, 4] = 30_000
    row = extract_lesion(ct, image(labels), 1, {"binWidth": 1}, FEATURE_CLASSES)
    assert "glcm, glrlm, glszm, gldm, ngtdm: ValueError: " in row[REASON]
    assert "grey levels, more than 2000 (widen binWidth" in row[REASON]
    assert row["original_firstorder_Maximum"] == 30_000
    names = LesionExtractor(DEFAULT, FEATURE_CLASSES).columns
    assert missing(row) == {n for n in names if n.split("_")[1] in MATRICES}


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=["NaN", "infinite"])
def test_a_voxel_without_a_finite_grey_value_is_a_reason(value):
    labels = one_lesion(slice(3, 7), slice(4, 9), slice(5, 12))
    ct = sitk.Cast(noise(labels), sitk.sitkFloat64)
    ct[6, 5, 4] = value
    row = extract_lesion(ct, image(labels), 1, DEFAULT, ["firstorder", "shape"])
    assert row[REASON] == "firstorder: ValueError: a voxel of the lesion has no finite grey value"


def test_bins_too_narrow_to_be_listed_are_a_reason():
    labels = one_lesion(slice(3, 7), slice(4, 9), slice(5, 12))
    row = extract_lesion(noise(labels), image(labels), 1, {"binWidth": 1e-9}, ["firstorder"])
    assert "bins, more than 1,000,000 (widen binWidth)" in row[REASON]


@pytest.mark.parametrize("region", ["lesion", "ring", "liver"])
def test_a_grid_too_fine_for_memory_is_a_reason(region):
    labels = one_lesion(slice(3, 7), slice(4, 9), slice(5, 12))
    organs = image(np.where(labels, 2, 1).astype(np.uint8))
    settings = {"binWidth": 25, "resampledPixelSpacing": [0.001, 0.001, 0.001]}
    extractor = LesionExtractor(settings, ["firstorder"], {"fine": {"region": region}})
    (row,) = extractor.extract(noise(labels), image(labels), organs)
    assert "voxels, more than 200,000,000 (widen resampledPixelSpacing)" in row[REASON]
    assert missing(row) == set(extractor.columns)


def test_memory_that_is_not_there_is_a_reason(scan, monkeypatch):
    def fail(self):
        raise MemoryError

    monkeypatch.setattr(radiomics.getFeatureClasses()["glcm"], "getMCCFeatureValue", fail)
    row = extract_lesion(*scan, 1, DEFAULT, FEATURE_CLASSES)
    assert row[REASON].startswith("glcm (MCC): MemoryError: the grey levels are more than fit")


def test_a_value_beyond_float32_is_missing_with_the_reason():
    labels = one_lesion(slice(3, 7), slice(4, 9), slice(5, 12))
    ct = sitk.Cast(noise(labels), sitk.sitkFloat64) * 1e20
    row = extract_lesion(ct, image(labels), 1, {"binCount": 8}, ["firstorder"])
    large = "original_firstorder_Energy", "original_firstorder_TotalEnergy"
    assert missing(row) >= set(large)
    assert "larger than 3.4e+38, which classifiers cannot hold" in row[REASON]
    assert np.isfinite(row["original_firstorder_Mean"])


def test_an_exception_inside_one_feature_is_its_reason(scan, monkeypatch):
    def fail(self):
        raise np.linalg.LinAlgError("Eigenvalues did not converge")

    monkeypatch.setattr(radiomics.getFeatureClasses()["glcm"], "getMCCFeatureValue", fail)
    row = extract_lesion(*scan, 1, DEFAULT, FEATURE_CLASSES)
    assert row[REASON] == "glcm (MCC): LinAlgError: Eigenvalues did not converge"
    assert missing(row) == {"original_glcm_MCC"}


def test_a_broken_installation_is_no_nan(scan, monkeypatch):
    def fail(self):
        raise AttributeError("module 'numpy' has no attribute 'float'")

    monkeypatch.setattr(radiomics.getFeatureClasses()["glcm"], "getMCCFeatureValue", fail)
    with pytest.raises(AttributeError, match="numpy"):
        extract_lesion(*scan, 1, DEFAULT, FEATURE_CLASSES)
