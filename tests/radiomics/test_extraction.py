"""Radiomics of single lesions against pyradiomics on whole CTs, and its published values."""

import ast
import csv
import subprocess
import sys
import tarfile
from pathlib import Path

import livermets
import numpy as np
import pytest
import radiomics
import SimpleITK as sitk
from helpers.lesion_scans import AXIAL, DEFAULT, ball, four_lesions, image, missing, on_whole_ct
from helpers.one_lesion import extract_lesion
from livermets.core.errors import BadInput
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_classes import FEATURE_CLASSES
from livermets.radiomics.feature_files import REASON

PACKAGE = Path(livermets.__file__).parents[1]
SAGITTAL = (0, 0, 1, 1, 0, 0, 0, -1, 0)  # image axes run along the patient's y, -z and x


@pytest.fixture(scope="module")
def scan():
    """A noisy CT and four lesions."""
    return four_lesions()


def shape_2d(mask, spacing):
    """pyradiomics' 2-D shape of a two-dimensional mask."""
    flat = sitk.GetImageFromArray(mask.astype(np.uint8))
    flat.SetSpacing(spacing)
    found = radiomics.getFeatureClasses()["shape2D"](flat, flat, label=1).execute()
    return {f"original_shape2D_{k}": float(v) for k, v in found.items()}


def extract(ct, labelled, settings):
    """The rows of all lesions, with all classes."""
    return LesionExtractor(settings, FEATURE_CLASSES).extract(ct, labelled)


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


# ---- grids


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


# ---- a huge lesion


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
