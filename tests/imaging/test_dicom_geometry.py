"""Slices of a series become one even grid, or are refused: gaps, doubles, tilted gantries."""

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from helpers.ct_images import refused_ct
from helpers.dicom_series import volume, write_series
from livermets.core.errors import BadPatient
from livermets.imaging.ct import import_ct


@pytest.mark.parametrize("gone", [[1], [3, 4], [1, 4]], ids=["one", "two neighbours", "two apart"])
def test_missing_slices_are_refused_with_the_place_and_the_number(tmp_path, gone):
    keep = [k for k in range(10) if k not in gone]
    write_series(tmp_path, volume((len(keep), 8, 8)), heights=np.array(keep) * 2.5)
    before = max(k for k in keep if k < gone[0]) if gone != [1, 4] else 0
    refused_ct(
        tmp_path,
        f"{len(gone)} of 10 slices are missing",
        "2.50 mm",
        f"z = {-300 + before * 2.5:.1f}",
    )


def test_a_gap_between_three_slices_is_found(tmp_path):
    write_series(tmp_path, volume((3, 8, 8)), heights=np.array([0, 2.5, 7.5]))
    refused_ct(tmp_path, "1 of 4 slices are missing")


def test_doubled_slices_are_refused(tmp_path):
    write_series(tmp_path, volume(), heights=np.array([0, 2.5, 5, 5, 7.5, 10]))
    refused_ct(tmp_path, "1 slice positions occur twice", "z = -295.0")


def test_unevenly_spaced_slices_are_refused(tmp_path):
    write_series(tmp_path, volume(), heights=np.array([0, 2.5, 5.0, 7.5, 11, 13.5]))
    refused_ct(tmp_path, "unevenly spaced")


def test_positions_rounded_by_the_scanner_are_even(tmp_path):
    heights = np.round(np.arange(6) * 0.7143, 1)
    write_series(tmp_path, volume(), heights=heights)
    ct, _ = import_ct(tmp_path, "P1")
    assert ct.GetSpacing()[2] == pytest.approx(heights[-1] / 5)


def test_slices_without_positions_are_refused(tmp_path):
    write_series(tmp_path, volume())
    for file in tmp_path.iterdir():
        header = pydicom.dcmread(file)
        del header.ImagePositionPatient
        header.save_as(file)
    refused_ct(tmp_path, "no ImagePositionPatient")


def test_slices_of_two_shapes_in_one_series_are_refused(tmp_path):
    write_series(tmp_path, volume(), prefix="a", SeriesInstanceUID="1.2.3")
    write_series(tmp_path, volume((2, 8, 8)), prefix="b", SeriesInstanceUID="1.2.3")
    refused_ct(tmp_path, "differs from the others")


def test_slices_whose_rows_and_columns_are_not_quite_at_right_angles_are_put_right(tmp_path):
    hu = volume()
    folder = write_series(tmp_path / "ct", hu, orientation=(1, 0, 0, 4e-4, 1, 0))
    ct, facts = import_ct(folder, "P1")
    directions = np.reshape(ct.GetDirection(), (3, 3))
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-9)
    assert facts["orthonormalised"] is True
    assert (sitk.GetArrayFromImage(ct) == hu).all()
    assert import_ct(write_series(tmp_path / "even", hu), "P1")[1]["orthonormalised"] is False


def test_a_tilted_gantry_is_refused_from_its_geometry(tmp_path):
    write_series(tmp_path, volume(), lean_mm=2.5 * np.tan(np.radians(8)))
    refused_ct(tmp_path, "sheared by 8.0°", "tilt-corrected", "imaging.resample_tilt: true")


def test_a_tilted_gantry_is_refused_from_its_tag(tmp_path):
    write_series(tmp_path, volume(), GantryDetectorTilt=-12)
    refused_ct(tmp_path, "sheared by 12.0°")


@pytest.mark.parametrize("degrees", [8, -15])
def test_a_tilted_gantry_is_straightened_on_request(tmp_path, degrees):
    """Every voxel comes to lie where its own slice's header puts it."""
    z, y, x = np.mgrid[:12, :30, :24]
    hu = (20 * x + 15 * y + 10 * z - 900).astype(np.int16)  # linear, as the interpolation is
    lean = 2.5 * np.tan(np.radians(degrees))
    folder = write_series(tmp_path, hu, lean_mm=lean, GantryDetectorTilt=degrees)
    ct, facts = import_ct(folder, "P1", resample_tilt=True)
    assert facts["tilt_corrected_mm"] == pytest.approx(abs(lean) * 11, abs=0.01)
    assert np.allclose(np.reshape(ct.GetDirection(), (3, 3)), np.eye(3), atol=1e-5)
    values = sitk.GetArrayFromImage(ct)
    for k, j, i in [(0, 3, 4), (5, 10, 12), (11, 20, 20)]:
        where = np.array([-50, -40, -300]) + np.array([0.8 * i, 0.7 * j + lean * k, 2.5 * k])
        index = ct.TransformPhysicalPointToContinuousIndex(where.tolist())
        below, part = int(np.floor(index[1])), index[1] % 1
        column = values[round(index[2]), :, round(index[0])]
        found = column[below] * (1 - part) + column[min(below + 1, len(column) - 1)] * part
        assert found == pytest.approx(hu[k, j, i], abs=1.5)
    assert values.min() == -1024  # what the slices leave free at their ends


def test_slices_that_hide_their_tilt_are_not_straightened(tmp_path):
    write_series(tmp_path, volume(), GantryDetectorTilt=-12)
    with pytest.raises(BadPatient, match="sheared by 12.0°"):
        import_ct(tmp_path, "P1", resample_tilt=True)
