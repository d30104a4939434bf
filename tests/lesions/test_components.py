"""Lesions come out of a mask one by one, measured and numbered as stated."""

import numpy as np
import pytest
import SimpleITK as sitk
from livermets.lesions.components import COLUMNS, label_lesions
from livermets.lesions.diameters import axial_diameter, feret_diameter, sphere_diameter
from scipy.ndimage import label
from scipy.spatial.distance import pdist


def image_of(array: np.ndarray, spacing=(1.0, 1.0, 1.0)) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin((-20.0, 30.0, -400.0))
    return image


def liver(shape=(20, 40, 40)) -> np.ndarray:
    array = np.zeros(shape, np.uint8)
    array[1:-1, 2:-2, 2:-2] = 1
    return array


def labelled_lesions(array, spacing=(1.0, 1.0, 1.0), hu=None, **settings):
    ct = image_of(np.zeros(array.shape, np.int16) if hu is None else hu, spacing)
    return label_lesions(ct, image_of(array, spacing), **settings)


# ---- diameters


def brute(mask, spacing):
    points = np.argwhere(mask) * spacing
    return pdist(points).max() if len(points) > 1 else 0.0


def test_diameters_equal_the_search_over_all_pairs():
    rng = np.random.default_rng(0)
    for _ in range(40):
        mask = rng.random(rng.integers(1, 9, 3)) < rng.uniform(0.1, 0.9)
        spacing = rng.uniform(0.5, 5, 3)
        if not mask.any():
            continue
        assert feret_diameter(mask, spacing) == pytest.approx(brute(mask, spacing))
        for axis in range(3):
            planes = np.moveaxis(mask, axis, 0)
            expected = max(brute(plane, np.delete(spacing, axis)) for plane in planes)
            assert axial_diameter(mask, spacing, axis) == pytest.approx(expected)


def test_a_large_ball_measures_its_diameter():
    z, y, x = np.ogrid[-40:41, -50:51, -50:51]
    ball = (z * 1.25) ** 2 + y**2 + x**2 <= 50**2
    assert axial_diameter(ball, (1.25, 1, 1)) == pytest.approx(100)
    assert feret_diameter(ball, (1.25, 1, 1)) == pytest.approx(100, abs=0.01)
    assert sphere_diameter(ball.sum() * 1.25 / 1000) == pytest.approx(100, rel=1e-3)


def test_large_flat_lesions_have_diameters_too():
    flat = np.ones((1, 700, 2), bool)
    assert feret_diameter(flat, (5, 1, 1)) == pytest.approx(np.hypot(699, 1))
    oblique = np.zeros((1200, 1200, 1), bool)
    oblique[np.arange(1200), np.arange(1200)] = True  # one straight line
    assert feret_diameter(oblique, (1, 1, 1)) == pytest.approx(1199 * np.sqrt(2))


def test_one_voxel_has_no_diameter_between_centres():
    voxel = np.ones((1, 1, 1), bool)
    assert axial_diameter(voxel, (5, 1, 1)) == 0
    assert feret_diameter(voxel, (5, 1, 1)) == 0


# ---- components


def test_kept_lesions_are_numbered_by_size_and_dropped_ones_follow():
    array = liver()
    array[5, 5:8, 5:8] = 2  # 9 voxels, dropped
    array[10:14, 10:20, 10:20] = 2  # 400, kept
    array[3:5, 25:33, 25:33] = 2  # 128, kept
    array[17, 5, 5] = 2  # 1, dropped
    labelled, table, facts = labelled_lesions(array)
    assert table["lesion"].tolist() == [1, 2, 3, 4]
    assert table["voxels"].tolist() == [400, 128, 9, 1]
    assert table["kept"].tolist() == [True, True, False, False]
    assert table["reason"].tolist() == [
        "",
        "",
        "axial diameter 2.8 mm < 5.0 mm",
        "axial diameter 0.0 mm < 5.0 mm",
    ]
    numbers = sitk.GetArrayFromImage(labelled)
    assert numbers.dtype == np.uint16
    assert set(np.unique(numbers)) == {0, 1, 2}
    assert (numbers == 1).sum() == 400
    assert (numbers == 2).sum() == 128
    assert (facts["n_components"], facts["n_lesions"], facts["n_dropped"]) == (4, 2, 2)


def test_the_rule_decides_who_is_kept():
    array = liver()
    array[4:16, 10:13, 10:13] = 2  # long in z: axial 2.8 mm, Feret 11.4 mm, sphere 5.9 mm
    found = {
        rule: labelled_lesions(array, diameter=rule)[1].iloc[0]
        for rule in ("axial", "feret", "sphere")
    }
    assert [row["kept"] for row in found.values()] == [False, True, True]
    assert [row["diameter_mm"] for row in found.values()] == pytest.approx(
        [np.sqrt(8), np.sqrt(121 + 8), (6 * 108 / np.pi) ** (1 / 3)]
    )
    with pytest.raises(ValueError, match="axial, feret, sphere"):
        labelled_lesions(array, diameter="longest")


def test_a_lesion_of_exactly_the_least_diameter_is_kept():
    array = liver()
    array[5, 5, 5:11] = 2
    assert labelled_lesions(array)[1]["kept"].tolist() == [True]
    assert labelled_lesions(array, min_diameter_mm=5.01)[1]["kept"].tolist() == [False]


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_components_are_those_of_scipy(connectivity):
    rank = {6: 1, 18: 2, 26: 3}[connectivity]
    array = liver() * 2 * (np.random.default_rng(1).random((20, 40, 40)) < 0.12)
    array[0, 0, 0] = 1
    structure = np.zeros((3, 3, 3)) + (np.indices((3, 3, 3)) != 1).sum(axis=0) <= rank
    _, expected = label(array == 2, structure)
    _, table, facts = labelled_lesions(array, connectivity=connectivity, min_diameter_mm=0)
    assert facts["n_components"] == expected == len(table)
    assert table["voxels"].sum() == (array == 2).sum()


def test_volume_centroid_burden_and_means_are_those_of_the_voxels():
    array = liver()
    array[10:12, 10:20, 10:14] = 2
    hu = np.where(array == 2, 45, 95).astype(np.int16)
    hu[10, 10, 10] = 125
    labelled, table, facts = labelled_lesions(
        array, spacing=(0.5, 0.5, 4.0), hu=hu, min_diameter_mm=4
    )
    row = table.iloc[0]
    assert row["volume_ml"] == pytest.approx(80 / 1000)
    assert (row["x_mm"], row["y_mm"], row["z_mm"]) == pytest.approx(
        (-20 + 11.5 * 0.5, 30 + 14.5 * 0.5, -400 + 10.5 * 4)
    )
    assert row["mean_hu"] == facts["lesion_hu"] == pytest.approx(46)
    assert facts["parenchyma_hu"] == 95
    assert facts["burden"] == pytest.approx(80 / (array > 0).sum())
    assert facts["liver_ml"] == pytest.approx((array > 0).sum() / 1000)
    assert labelled.GetSpacing() == (0.5, 0.5, 4.0)
    assert labelled.GetOrigin() == (-20, 30, -400)


def test_a_liver_without_lesions_gives_an_empty_table_with_every_column():
    labelled, table, facts = labelled_lesions(liver())
    assert list(table) == list(COLUMNS)
    assert len(table) == 0
    assert table.dtypes["volume_ml"] == np.float64
    assert not sitk.GetArrayViewFromImage(labelled).any()
    assert facts["burden"] == 0
    assert facts["lesion_hu"] is None
    assert facts["n_lesions"] == 0


@pytest.mark.parametrize("axes", ["LPS", "RAI", "SRA", "PSL"])
def test_the_axial_plane_follows_the_patient_not_the_array(axes):
    array = liver()
    array[4:16, 10:13, 10:20] = 2
    ct, mask = (
        sitk.DICOMOrient(image_of(v, (0.7, 0.8, 3.0)), axes)
        for v in (np.zeros(array.shape, np.int16), array)
    )
    _, table, _ = label_lesions(ct, mask)
    row = table.iloc[0]
    assert row["axial_diameter_mm"] == pytest.approx(np.hypot(9 * 0.7, 2 * 0.8))
    assert row["x_mm"] == pytest.approx(-20 + 14.5 * 0.7)


# ---- choices


def test_what_touches_no_liver_is_dropped_with_that_reason_unless_asked_for():
    array = liver((20, 60, 40))
    array[:, 30:] = 0
    array[5:9, 10:20, 10:20] = 2  # inside
    array[5:9, 30:38, 10:20] = 2  # under the capsule, it touches the liver's last row
    array[14, 30:37, 38] = 2  # touches by corners
    array[5:9, 45:55, 10:20] = 2  # far away
    array[12, 50:52, 10] = 2  # far away and small
    _, table, facts = labelled_lesions(array)
    reasons = dict(zip(table["voxels"], table["reason"], strict=True))
    assert [reasons[n] for n in (320, 7)] == ["", ""]
    assert reasons[2] == "does not touch the liver"
    assert table["reason"].tolist().count("does not touch the liver") == 2
    assert (facts["n_dropped"], facts["n_outside_liver"]) == (2, 2)
    _, table, facts = labelled_lesions(array, must_touch_liver=False)
    assert table["reason"].tolist().count("") == 4
    assert facts["n_outside_liver"] == 0


def test_holes_of_a_lesion_are_filled_only_on_request_and_only_where_enclosed():
    array = liver()
    array[4:10, 10:20, 10:20] = 2
    array[6:8, 13:16, 13:16] = 1  # enclosed on all sides
    array[4:10, 30, 10:20] = 2
    array[4:10, 32, 10:20] = 2  # two sheets: what lies between is not enclosed
    hu = np.where(array == 2, 40, 90).astype(np.int16)
    _, open_, facts = labelled_lesions(array, hu=hu)
    assert open_["voxels"].max() == 600 - 18
    assert facts["filled_voxels"] == 0
    labelled, filled, facts = labelled_lesions(array, hu=hu, fill_holes=True)
    assert filled["voxels"].max() == 600
    assert facts["filled_voxels"] == 18
    assert (sitk.GetArrayFromImage(labelled)[6:8, 13:16, 13:16] == 1).all()
    assert facts["lesion_ml"] == pytest.approx(filled["volume_ml"].sum())
    assert filled.loc[0, "mean_hu"] == pytest.approx((582 * 40 + 18 * 90) / 600)
    assert facts["parenchyma_hu"] == 90


# ---- the models' probability


def test_a_lesion_has_the_mean_probability_of_the_voxels_that_a_model_saw():
    array = liver()
    array[3:6, 5:9, 5:9] = array[10:13, 20:26, 20:26] = array[15:17, 30:34, 30:34] = 2
    percent = np.zeros_like(array)
    percent[3:6, 5:9, 5:9], percent[3] = 80, 0  # a reader added one slice
    percent[10, 20:26, 20:26], percent[11:13, 20:26, 20:26] = 90, 60
    ct = image_of(np.zeros(array.shape, np.int16))
    table = label_lesions(ct, image_of(array), image_of(percent), min_diameter_mm=0)[1]
    probability = table.set_index("voxels")["model_probability"]
    assert probability[3 * 36] == pytest.approx(0.7)
    assert probability[3 * 16] == pytest.approx(0.8)
    assert np.isnan(probability[2 * 16])  # drawn by a reader
    assert label_lesions(ct, image_of(array))[1]["model_probability"].isna().all()
