"""Radiomics of single lesions against pyradiomics on whole CTs, its published values, and IBSI."""

import ast
import csv
import subprocess
import sys
import tarfile
from pathlib import Path

import livermets
import numpy as np
import pyarrow.parquet as pq
import pytest
import radiomics
import SimpleITK as sitk
from helpers.one_lesion import extract_lesion
from livermets.core.errors import BadInput
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_classes import FEATURE_CLASSES
from livermets.radiomics.feature_files import REASON, read_rows
from radiomics.featureextractor import RadiomicsFeatureExtractor

PACKAGE = Path(livermets.__file__).parents[1]
DEFAULT = {"binWidth": 25}
AXIAL = (1, 0, 0, 0, 1, 0, 0, 0, 1)
SAGITTAL = (0, 0, 1, 1, 0, 0, 0, -1, 0)  # image axes run along the patient's y, -z and x


def image(array, spacing=(0.7421875, 0.8, 5.0), direction=AXIAL):
    made = sitk.GetImageFromArray(array)
    made.SetSpacing(spacing)
    made.SetOrigin((-171.3, 12.7, -640.1))
    made.SetDirection(direction)
    return made


def ball(shape, centre, radii):
    grid = np.indices(shape).reshape(3, -1).T
    return (((grid - centre) / radii) ** 2).sum(1).reshape(shape) <= 1


@pytest.fixture(scope="module")
def scan():
    """A noisy CT and four lesions: two touching, one at the border, one in a corner."""
    shape = (22, 110, 120)
    rng = np.random.default_rng(7)
    grey = rng.normal(90, 20, shape)
    labels = np.zeros(shape, np.uint16)
    where = [
        ((9, 50, 60), (4, 9, 11)),
        ((9, 50, 78), (3, 6, 7)),
        ((12, 2, 100), (3, 7, 6)),
        ((0, 108, 1), (3, 8, 8)),
    ]
    for lesion, (centre, radii) in enumerate(where, start=1):
        inside = ball(shape, centre, radii)
        labels[inside & (labels == 0)] = lesion
        grey[inside] -= 45
    return image(grey.round().astype(np.int16)), image(labels)


def on_whole_ct(ct, labelled, lesion, settings, classes=FEATURE_CLASSES):
    """pyradiomics' own extraction, on nothing but the CT and mask as they are."""
    extractor = RadiomicsFeatureExtractor(**{**settings, "additionalInfo": False})
    extractor.disableAllFeatures()
    for name in classes:
        if name != "shape2D":
            extractor.enableFeatureClassByName(name)
    return {k: float(v) for k, v in extractor.execute(ct, labelled, label=lesion).items()}


def shape_2d(mask, spacing):
    """pyradiomics' 2-D shape of a two-dimensional mask."""
    flat = sitk.GetImageFromArray(mask.astype(np.uint8))
    flat.SetSpacing(spacing)
    found = radiomics.getFeatureClasses()["shape2D"](flat, flat, label=1).execute()
    return {f"original_shape2D_{k}": float(v) for k, v in found.items()}


def extract(ct, labelled, settings):
    """The rows of all lesions, with all classes."""
    return LesionExtractor(settings, FEATURE_CLASSES).extract(ct, labelled)


def missing(row):
    return {k for k, v in row.items() if isinstance(v, float) and np.isnan(v)}


# ---- parity with the whole CT


@pytest.mark.parametrize(
    "settings",
    [
        {"binWidth": 25},
        {"binWidth": 25, "resegmentRange": [20, 90]},
        {"binWidth": 25, "resegmentRange": [-1.5, 1.5], "resegmentMode": "sigma"},
        {"binWidth": 10, "resegmentRange": [30], "resegmentShape": True},
        {"binCount": 16, "force2D": True},
        {"binWidth": 25, "distances": [1, 2], "weightingNorm": "euclidean", "gldm_a": 1},
        {"binWidth": 5, "normalize": True, "normalizeScale": 100, "removeOutliers": 3},
        {"binWidth": 25, "resampledPixelSpacing": [1, 1, 1]},
        {"binWidth": 25, "resampledPixelSpacing": [2, 2, 0], "padDistance": 1},
        {"binWidth": 25, "resampledPixelSpacing": [1.6, 1.6, 2.5], "interpolator": "sitkLinear"},
        {"binWidth": 25, "resampledPixelSpacing": [0.7421875, 0.8, 5], "resegmentRange": [0, 90]},
        {"binWidth": 25, "resampledPixelSpacing": [1, 1, 3], "resegmentRange": [0, 90]},
        {"binWidth": 25, "resampledPixelSpacing": [2, 2, 2], "interpolator": None},
        {"binWidth": 25, "resampledPixelSpacing": [1, 1, 3], "normalize": True, "binCount": 8},
    ],
    ids=lambda settings: ",".join(f"{k}={v}" for k, v in settings.items()),
)
def test_every_value_equals_pyradiomics_on_the_whole_ct(scan, settings):
    ct, labelled = scan
    for row in extract(ct, labelled, settings):
        truth = on_whole_ct(ct, labelled, row["lesion"], settings)
        assert len(truth) == 107
        # Of a normalised CT the spline leaves real numbers, not rounded HU: its last bits may move.
        if settings.get("normalize") and "resampledPixelSpacing" in settings:
            assert {k: row[k] for k in truth} == pytest.approx(truth, rel=1e-9)
        else:
            assert {k: row[k] for k in truth} == truth
        assert row[REASON] == ""
        assert not missing(row)


def test_two_millimetre_grids_on_one_millimetre_cts_decide_midpoints_as_pyradiomics_does(scan):
    ct, labelled = (sitk.Image(part) for part in scan)
    for part in (ct, labelled):
        part.SetSpacing((1.0, 1.0, 2.0))
    settings = {"binWidth": 25, "resampledPixelSpacing": [2, 2, 2]}
    for row in extract(ct, labelled, settings):
        truth = on_whole_ct(ct, labelled, row["lesion"], settings)
        assert {k: row[k] for k in truth} == truth


OBLIQUE = tuple(np.linalg.qr(np.array([[9, 1, -2], [-1, 8, 3], [2, -2, 9.0]]))[0].ravel())


@pytest.mark.parametrize("direction", [SAGITTAL, OBLIQUE], ids=["sagittal", "oblique"])
def test_ct_axes_may_run_anywhere(scan, direction):
    parts = [image(sitk.GetArrayFromImage(part), direction=direction) for part in scan]
    for settings in (DEFAULT, {"binWidth": 25, "resampledPixelSpacing": [1, 1, 3]}):
        row = extract_lesion(*parts, 3, settings, FEATURE_CLASSES)
        truth = on_whole_ct(*parts, 3, settings)
        assert {k: row[k] for k in truth} == pytest.approx(truth, rel=1e-9)
        assert not missing(row)


def test_a_patient_equals_its_lesions_one_by_one(scan):
    ct, labelled = scan
    for settings in (DEFAULT, {"resampledPixelSpacing": [1, 1, 2]}):
        rows = extract(*scan, settings)
        assert [row["lesion"] for row in rows] == [1, 2, 3, 4]
        for row in rows:
            (alone,) = extract(ct, labelled == row["lesion"], settings)
            assert row == alone | {"lesion": row["lesion"]}


def test_a_real_portal_venous_ct_gives_the_whole_cts_values(real_data, tmp_path):
    folder = real_data / "crlm_1006"
    with tarfile.open(folder / "dicom.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    series = next(p.parent for p in sorted(tmp_path.rglob("*")) if p.is_file())
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series)))
    ct = sitk.Clamp(sitk.Cast(reader.Execute(), sitk.sitkInt16), sitk.sitkInt16, -1024)
    lesions = sitk.ReadImage(folder / "labels.nii.gz") == 2
    labelled = sitk.RelabelComponent(sitk.Cast(sitk.ConnectedComponent(lesions), sitk.sitkUInt16))
    labelled.CopyInformation(ct)
    plain = extract(ct, labelled, DEFAULT)
    assert [row["original_shape_VoxelVolume"] / 1000 for row in plain] == pytest.approx(
        [7.32, 1.50, 0.78, 0.13], abs=0.005
    )
    for row in plain:
        assert not missing(row)
        truth = on_whole_ct(ct, labelled, row["lesion"], DEFAULT)
        assert {k: row[k] for k in truth} == truth
    settings = {"binWidth": 25, "resampledPixelSpacing": [1, 1, 1]}
    row = extract_lesion(ct, labelled, 2, settings, FEATURE_CLASSES)
    truth = on_whole_ct(ct, labelled, 2, settings)
    assert {k: row[k] for k in truth} == truth


# ---- 2-D shape of the largest axial slice


@pytest.mark.parametrize("direction", [AXIAL, SAGITTAL], ids=["axial", "sagittal"])
def test_2d_shape_is_that_of_the_largest_axial_slice(scan, direction):
    ct, labelled = (sitk.GetArrayFromImage(part) for part in scan)
    axis = 0 if direction == AXIAL else 1  # of the (z, y, x) array, the patient's long axis
    spacing = (0.7, 0.9, 4.0)
    row = extract_lesion(
        image(ct, spacing, direction),
        image(labelled, spacing, direction),
        2,
        DEFAULT,
        FEATURE_CLASSES,
    )
    slices = np.moveaxis(labelled == 2, axis, 0)
    largest = slices[slices.sum((1, 2)).argmax()]
    in_plane = [mm for i, mm in enumerate(spacing) if i != 2 - axis]
    truth = shape_2d(largest, in_plane)
    assert len(truth) == 9
    assert {k: row[k] for k in truth} == pytest.approx(truth, rel=1e-12)
    assert row["original_shape2D_PixelSurface"] == pytest.approx(largest.sum() * np.prod(in_plane))


def test_a_slice_reduced_to_a_line_leaves_only_the_2d_shape_missing():
    labels = np.zeros((12, 20, 20), np.uint16)
    labels[2:8, 5, 4:9] = 1
    row = extract_lesion(noise(labels), image(labels), 1, DEFAULT, FEATURE_CLASSES)
    assert missing(row) == {name for name in row if "shape2D" in name}
    assert row[REASON].startswith("shape2D: ValueError: mask has too few dimensions")


# ---- lesions too small or too odd


def noise(labels):
    grey = np.random.default_rng(3).normal(60, 25, labels.shape)
    return image(grey.astype(np.int16))


def one_lesion(*where):
    labels = np.zeros((12, 20, 20), np.uint16)
    labels[where] = 1
    return labels


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
    classes = ("glcm", "glrlm", "glszm", "gldm", "ngtdm")
    assert missing(row) == {n for n in names if n.split("_")[1] in classes}


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


def test_extraction_writes_nothing_to_the_terminal(tmp_path):
    script = """
import logging
logging.basicConfig(level=logging.INFO)
import numpy as np, SimpleITK as sitk
from livermets.radiomics.feature_classes import FEATURE_CLASSES
from livermets.radiomics.extraction import LesionExtractor
labels = np.zeros((6, 9, 9), np.uint16)
labels[1, 1, 1], labels[2:5:2, 3:8:2, 3:8:2] = 1, 2
ct = sitk.GetImageFromArray(np.arange(486, dtype=np.int16).reshape(6, 9, 9))
LesionExtractor({"binCount": 8}, FEATURE_CLASSES).extract(ct, sitk.GetImageFromArray(labels))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(PACKAGE), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_lesion_jobs_import_neither_pandas_nor_scikit_learn_nor_scipy():
    script = (
        "import sys, livermets.core.jobs, livermets.radiomics.extraction;"
        "print([m for m in ('pandas', 'sklearn', 'scipy', 'torch', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(PACKAGE), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


# ---- bad input


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"binwidth": 25}, "'binwidth' was not defined"),
        ({"binWidth": "wide"}, "binWidth"),
        ({"binWidth": 0}, "binWidth"),
        ({"binWidth": "25"}, "binWidth is '25', a text. Write the number without quotation"),
        ({"binWidth": None}, "binWidth is None. Write a number of HU"),
        ({"binWidth": True}, "binWidth is True. Write a number of HU"),
        ({"binWidth": float("nan")}, "binWidth is nan. Write a number"),
        ({"binWidth": float("inf")}, "binWidth is inf. Write a number"),
        ({"distances": []}, r"distances is \[\]. Write 1 number or more"),
        ({"resegmentRange": [1, 2, 3]}, r"resegmentRange is \[1, 2, 3\]. Write 1 number or 2"),
        ({"resampledPixelSpacing": [1, "1", 1]}, "resampledPixelSpacing is '1', a text"),
        ({"label": 2}, "label is set by the workflow"),
        ({"resampledPixelSpacing": [1, 1]}, "three numbers in mm"),
        ({"interpolator": "cubic"}, "possible values"),
        ({"resegmentRange": 5}, "resegmentRange"),
    ],
    ids=str,
)
def test_a_setting_pyradiomics_does_not_know_is_refused_by_name(settings, hint):
    with pytest.raises(BadInput, match=f"radiomics.settings.*{hint}"):
        LesionExtractor(settings, FEATURE_CLASSES)


def test_an_unknown_wavelet_is_refused_with_the_nearest():
    with pytest.raises(BadInput, match=r"w.wavelet: 'coiff1' is no wavelet .did you mean coif1"):
        LesionExtractor(DEFAULT, FEATURE_CLASSES, {"w": {"filter": "wavelet", "wavelet": "coiff1"}})


def test_unknown_or_no_classes_are_refused():
    with pytest.raises(
        BadInput, match="radiomics.feature_classes: glcn. Name one or more of firstorder"
    ):
        LesionExtractor(DEFAULT, ["glcn", "glcm"])
    with pytest.raises(BadInput, match="radiomics.feature_classes: empty"):
        LesionExtractor(DEFAULT, [])


def test_a_lesion_image_on_another_grid_is_refused(scan):
    ct, labelled = scan
    moved = sitk.Image(labelled)
    moved.SetOrigin((0, 0, 0))
    for other in (moved, labelled[:, :, :-1]):
        with pytest.raises(BadInput, match="different grids"):
            extract_lesion(ct, other, 1, DEFAULT, FEATURE_CLASSES)


def test_grids_that_differ_by_rounding_are_one_grid(scan):
    ct, labelled = scan
    rounded = sitk.Image(labelled)
    rounded.SetOrigin([mm + 4e-4 for mm in labelled.GetOrigin()])
    for settings in (DEFAULT, {"resampledPixelSpacing": [1, 1, 2]}):
        row = extract_lesion(ct, rounded, 1, settings, FEATURE_CLASSES)
        assert row == extract_lesion(ct, labelled, 1, settings, FEATURE_CLASSES)
        assert not missing(row)


# ---- names and files


def test_the_names_are_known_without_extraction(scan):
    names = LesionExtractor(DEFAULT, FEATURE_CLASSES).columns
    assert len(names) == 107 + 9
    row = extract_lesion(*scan, 1, DEFAULT, FEATURE_CLASSES)
    assert list(row) == ["lesion", *names, REASON]
    assert LesionExtractor(DEFAULT, ["shape2D"]).columns == [n for n in names if "shape2D" in n]


def test_rows_come_back_as_written_with_settings_versions_and_a_digest(scan, tmp_path):
    extractor = LesionExtractor(DEFAULT, FEATURE_CLASSES)
    rows = extractor.extract(*scan)
    rows[1]["original_glcm_MCC"] = float("nan")
    for name in ("a.parquet", "b.parquet"):
        extractor.write(rows, tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    found, metadata = read_rows(tmp_path / "a.parquet")
    np.testing.assert_equal(found, rows)
    assert metadata["settings"] == DEFAULT
    assert metadata["classes"] == list(FEATURE_CLASSES)
    assert metadata["versions"]["pyradiomics"] == "3.0.1"
    LesionExtractor({"binWidth": 10}, FEATURE_CLASSES).write(rows, tmp_path / "c.parquet")
    assert read_rows(tmp_path / "c.parquet")[1]["sha256"] != metadata["sha256"]


def test_lesion_files_gather_to_the_patients_table(scan, tmp_path):
    extractor = LesionExtractor(DEFAULT, FEATURE_CLASSES)
    rows = extractor.extract(*scan)
    for row in rows:
        extractor.write([row], tmp_path / f"{row['lesion']}.parquet")
    paths = [tmp_path / f"{n}.parquet" for n in (3, 1, 4, 2)]
    assert extractor.read(paths) == rows
    with pytest.raises(BadInput, match="3.parquet was extracted with other radiomics settings"):
        LesionExtractor({"binWidth": 10}, FEATURE_CLASSES).read(paths)


def test_a_patient_without_lesions_has_an_empty_table_with_all_columns(scan, tmp_path):
    ct, labelled = scan
    extractor = LesionExtractor(DEFAULT, FEATURE_CLASSES)
    assert extractor.extract(ct, labelled * 0) == []
    assert extractor.read([]) == []
    extractor.write([], tmp_path / "none.parquet")
    assert read_rows(tmp_path / "none.parquet")[0] == []
    columns = pq.read_schema(tmp_path / "none.parquet").names
    assert columns == ["lesion", *extractor.columns, REASON]


# ---- published values (those of IBSI: test_ibsi.py)


def baselines(folder):
    """(case, class, settings, {feature: value}) of every column of pyradiomics' baselines."""
    for path in sorted(folder.glob("baseline_*.csv")):
        header, *lines = csv.reader(path.open())
        by_name = {line[0]: line[1:] for line in lines}
        for i, column in enumerate(header[1:]):
            settings = ast.literal_eval(by_name["diagnostics_Configuration_Settings"][i])
            values = {k: float(v[i]) for k, v in by_name.items() if k.startswith("original_")}
            yield column, path.stem.removeprefix("baseline_"), settings, values


# Four mesh values of one column are those of pyradiomics 2.0.1; 3.0.1 meshes differently, by 1e-3.
OLD_MESH = {
    f"original_shape_{name}"
    for name in ("MeshVolume", "SurfaceArea", "SurfaceVolumeRatio", "Sphericity")
}


def test_pyradiomics_published_values_come_out_to_1e_6(real_data):
    folder = real_data / "pyradiomics_baseline"
    images = {
        case: [sitk.ReadImage(folder / f"{case}_{part}.nrrd") for part in ("image", "label")]
        for case in ("brain1", "breast1")
    }
    compared = 0
    for column, name, settings, published in baselines(folder):
        settings.pop("label")  # 1, as in these label images
        ct, mask = images[column.split("_")[0]]
        row = extract_lesion(ct, mask, 1, settings, [name])
        if (column, name) == ("brain1", "shape"):
            now = on_whole_ct(ct, mask, 1, settings, ["shape"])
            for feature in OLD_MESH:
                assert row[feature] == pytest.approx(now[feature], rel=1e-12)
                assert row[feature] == pytest.approx(published.pop(feature), rel=1e-3)
        assert {k: row[k] for k in published} == pytest.approx(published, rel=1e-6), column
        compared += len(published)
    assert compared == 1348 - 4


# ---- huge lesions, and tables of one's own


def test_a_huge_lesion_has_every_value_of_pyradiomics():
    shape = (60, 130, 130)
    labels = ball(shape, (30, 64, 64), (28, 60, 62)).astype(np.uint16)  # 130 ml
    grey = np.random.default_rng(2).normal(60, 20, shape).astype(np.int16)
    spacing = (0.6, 0.6, 0.83)
    ct, labelled = image(grey, spacing), image(labels, spacing)
    row = extract_lesion(ct, labelled, 1, DEFAULT, FEATURE_CLASSES)
    assert row["original_shape_VoxelVolume"] > 100_000
    assert row[REASON] == ""
    assert not missing(row)
    truth = on_whole_ct(ct, labelled, 1, DEFAULT)
    assert {k: row[k] for k in truth} == pytest.approx(truth, rel=1e-12)
