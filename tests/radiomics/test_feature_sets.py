"""Feature sets: rings, liver, filters, other grids and shuffled voxels against plain arithmetic."""

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.one_lesion import extract_lesion
from livermets.core.errors import BadInput
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_files import REASON
from livermets.radiomics.feature_sets import build_feature_sets
from radiomics.featureextractor import RadiomicsFeatureExtractor

DEFAULT, FEW = {"binWidth": 25}, ["firstorder", "glcm"]
SPACING = (0.8, 0.9, 2.0)
SHAPE = (20, 44, 40)


@pytest.fixture(scope="module")
def patient():
    """A CT, two lesions 4 voxels apart, and a mask with liver (1) around them but not beyond."""
    rng = np.random.default_rng(5)
    z, y, x = np.ogrid[tuple(slice(n) for n in SHAPE)]
    labels = np.zeros(SHAPE, np.uint16)
    labels[((z - 9) / 4) ** 2 + ((y - 20) / 7) ** 2 + ((x - 14) / 6) ** 2 <= 1] = 1
    labels[((z - 9) / 3) ** 2 + ((y - 20) / 4) ** 2 + ((x - 28) / 4) ** 2 <= 1] = 2
    organs = np.where(labels, 2, (y > 8) & (y < 36) & (z > 1)).astype(np.uint8)
    hu = rng.normal(90, 20, SHAPE) - 45 * (labels > 0)
    images = [sitk.GetImageFromArray(a) for a in (hu.round().astype(np.int16), labels, organs)]
    for image in images:
        image.SetSpacing(SPACING)
        image.SetOrigin((-100.5, 30.25, -700))
    return images


def extract(patient, sets, lesion=1, classes=FEW):
    ct, labelled, organs = patient
    return extract_lesion(ct, labelled, lesion, DEFAULT, classes, sets, organs)


def test_a_ring_is_the_liver_within_its_width_without_other_lesions(patient):
    hu, labels, organs = (sitk.GetArrayFromImage(image) for image in patient)
    row = extract(patient, {"ring": {"region": "ring", "width_mm": 4}})
    where = np.argwhere(labels == 1) * SPACING[::-1]
    liver = np.argwhere(organs == 1)
    distance = np.array(
        [np.linalg.norm(where - voxel, axis=1).min() for voxel in liver * SPACING[::-1]]
    )
    ring = hu[tuple(liver[distance <= 4.001].T)].astype(float)
    assert row["ring_firstorder_Mean"] == pytest.approx(ring.mean(), rel=1e-12)
    assert row["ring_firstorder_Energy"] == pytest.approx((ring**2).sum(), rel=1e-12)
    assert row[REASON] == ""
    names = LesionExtractor(DEFAULT, ["shape", "glcm"], {"ring": {"region": "ring"}}).columns
    assert not any("shape" in name for name in names)


def test_a_lesion_outside_the_liver_has_a_ring_of_nans_and_the_reason(patient):
    ct, labelled, organs = patient
    row = extract((ct, labelled, organs * 0), {"original": {}, "ring": {"region": "ring"}})
    assert np.isnan(row["ring_firstorder_Mean"])
    assert np.isfinite(row["original_firstorder_Mean"])
    assert row[REASON] == "ring: all features: ValueError: Label (1) not present in mask"


def test_the_livers_features_are_measured_once_and_stand_in_every_row(patient):
    ct, labelled, organs = patient
    sets = {"original": {}, "liver": {"region": "liver"}}
    extractor = LesionExtractor(DEFAULT, FEW, sets)
    rows = extractor.extract(ct, labelled, organs)
    hu, mask = sitk.GetArrayFromImage(ct).astype(float), sitk.GetArrayFromImage(organs)
    assert [row["lesion"] for row in rows] == [1, 2]
    for row in rows:
        assert row["liver_firstorder_Mean"] == pytest.approx(hu[mask == 1].mean(), rel=1e-12)
        assert set(row) == {"lesion", *extractor.columns, REASON}
    one_by_one = [extract(patient, sets, n) for n in (1, 2)]
    assert "liver_firstorder_Mean" not in one_by_one[0]
    assert extractor.add_liver(one_by_one, ct, labelled, organs) == rows


@pytest.mark.parametrize("lesion", [1, 2])
def test_filtered_images_give_pyradiomics_names_and_values(patient, lesion):
    ct, labelled, _ = patient
    sets = {"log": {"filter": "log", "sigma_mm": [1.0, 2.5]}, "wavelet": {"filter": "wavelet"}}
    row = extract(patient, sets, lesion)
    extractor = RadiomicsFeatureExtractor(**DEFAULT, additionalInfo=False)
    extractor.disableAllFeatures()
    for name in FEW:
        extractor.enableFeatureClassByName(name)
    extractor.disableAllImageTypes()
    extractor.enableImageTypeByName("LoG", customArgs={"sigma": [1.0, 2.5]})
    extractor.enableImageTypeByName("Wavelet", customArgs={"wavelet": "coif1"})
    truth = {k: float(v) for k, v in extractor.execute(ct, labelled, label=lesion).items()}
    assert len(truth) == (18 + 24) * (2 + 8)
    assert set(truth) == set(row) - {"lesion", REASON}
    assert {k: row[k] for k in truth} == pytest.approx(truth, rel=1e-6, abs=1e-9)


def test_a_set_with_settings_of_its_own_has_the_values_of_these_settings(patient):
    isotropic = {"resampledPixelSpacing": [1, 1, 1]}
    row = extract(
        patient, {"original": {}, "iso": {"settings": isotropic}}, classes=["shape", "glcm"]
    )
    ct, labelled, _ = patient
    plain = extract_lesion(ct, labelled, 1, DEFAULT, ["shape", "glcm"])
    alone = extract_lesion(ct, labelled, 1, DEFAULT | isotropic, ["shape", "glcm"])
    for name in LesionExtractor(DEFAULT, ["shape", "glcm"]).columns:
        assert row[name] == plain[name]
        assert row[name.replace("original_", "iso_")] == alone[name]


def test_shuffled_voxels_keep_histogram_and_shape_and_lose_texture(patient):
    ct, labelled, organs = patient
    smooth = sitk.Cast(sitk.DiscreteGaussian(ct, 4.0), sitk.sitkInt16)
    sets = {"original": {}, "shuffled": {"shuffle": True, "seed": 7}}
    classes = ["firstorder", "shape", "glcm"]
    row = extract_lesion(smooth, labelled, 1, {"binWidth": 5}, classes, sets)
    for name in LesionExtractor(DEFAULT, ["firstorder", "shape"]).columns:
        assert row[name.replace("original_", "shuffled_")] == pytest.approx(row[name], rel=1e-12)
    # Random neighbours: no correlation, where the smooth lesion has a strong one.
    assert row["original_glcm_Correlation"] > 0.4
    assert abs(row["shuffled_glcm_Correlation"]) < 0.1
    assert row == extract_lesion(smooth, labelled, 1, {"binWidth": 5}, classes, sets)
    sets["shuffled"] = {"shuffle": True, "seed": 8}
    again = extract_lesion(smooth, labelled, 1, {"binWidth": 5}, classes, sets)
    assert again["shuffled_glcm_Correlation"] != row["shuffled_glcm_Correlation"]


def test_wrong_sets_are_refused_by_name(patient):
    ct, labelled, _ = patient
    with pytest.raises(BadInput, match="'two words' cannot name a set"):
        build_feature_sets(DEFAULT, FEW, {"two words": {}})
    with pytest.raises(
        BadInput, match="radiomics.feature_sets.iso.settings.*'binwidth' was not defined"
    ):
        build_feature_sets(DEFAULT, FEW, {"iso": {"settings": {"binwidth": 3}}})
    with pytest.raises(BadInput, match="radiomics.feature_sets.ring needs the liver"):
        extract_lesion(ct, labelled, 1, DEFAULT, FEW, {"ring": {"region": "ring"}})


def test_an_unknown_wavelet_is_refused_with_the_nearest():
    with pytest.raises(BadInput, match=r"w.wavelet: 'coiff1' is no wavelet .did you mean coif1"):
        LesionExtractor(DEFAULT, FEW, {"w": {"filter": "wavelet", "wavelet": "coiff1"}})


def test_unknown_or_no_classes_are_refused():
    with pytest.raises(
        BadInput, match="radiomics.feature_classes: glcn. Name one or more of firstorder"
    ):
        LesionExtractor(DEFAULT, ["glcn", "glcm"])
    with pytest.raises(BadInput, match="radiomics.feature_classes: empty"):
        LesionExtractor(DEFAULT, [])
