"""Real CTs and real DICOM trouble: import, masks and lesions against published truths.

The truths are those of the data's own README; see CONTRIBUTING for where the data come from.
"""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from helpers.classes import LABELS
from helpers.enhanced_ct import legacy_enhanced
from helpers.segmentation import demo_model, segment
from livermets.core.errors import BadPatient
from livermets.imaging.ct import import_ct
from livermets.imaging.dicom_series import read_series
from livermets.imaging.geometry import same_grid
from livermets.lesions.components import label_lesions
from livermets.masks.final_mask import final_mask
from livermets.review.overlay import draw_overlay
from matplotlib.image import imread


@pytest.fixture(scope="session")
def crlm(real_data, dicom_folder):
    """CRLM-CT-1006: CT, facts, mask, record."""
    ct, facts = import_ct(dicom_folder("crlm_1006"), "1006")
    given = real_data / "crlm_1006/labels.nii.gz"
    mask, record = final_mask("1006", ct, None, given, Path("none"), LABELS)
    return ct, facts, mask, record


# ---- CRLM-CT-1006, feet first, padded with -3024


def test_a_feet_first_ct_is_segmented_on_its_own_grid(crlm, tmp_path):
    ct = crlm[0]
    mask = segment(ct, [demo_model()], "cpu", False, 1.0, cache_dir=tmp_path, threads=1)
    assert mask.GetSize() == ct.GetSize() == (512, 512, 51)
    assert same_grid(mask, ct)


def test_crlm_1006_comes_in_on_the_grid_of_its_mask_with_its_padding_clipped(crlm):
    ct, facts, mask, record = crlm
    assert ct.GetSize() == (512, 512, 51) and record["geometry"] == "equal"
    np.testing.assert_allclose(ct.GetSpacing(), (0.805, 0.805, 5), atol=1e-3)
    assert facts["clipped_voxels"] > 2_000_000
    assert sitk.GetArrayViewFromImage(ct).min() == -1024
    assert facts["n_slices"] == 51 and facts["contrast"] is True


def test_crlm_1006_holds_the_hu_that_pydicom_reads(crlm, dicom_folder):
    ct = crlm[0]
    for file in sorted(dicom_folder("crlm_1006").iterdir())[::10]:
        header = pydicom.dcmread(file)
        _, _, k = ct.TransformPhysicalPointToIndex([float(v) for v in header.ImagePositionPatient])
        hu = header.pixel_array * float(header.RescaleSlope) + float(header.RescaleIntercept)
        assert (sitk.GetArrayViewFromImage(ct)[k] == np.maximum(hu, -1024)).all()


def test_crlm_1006_has_the_four_components_of_its_readme(crlm):
    ct, _, mask, _ = crlm
    for connectivity in (6, 26):
        labelled, table, facts = label_lesions(ct, mask, connectivity=connectivity)
        assert table["voxels"].tolist() == [2261, 464, 240, 39]
        assert table["volume_ml"].round(2).tolist() == [7.32, 1.50, 0.78, 0.13]
        assert table["axial_diameter_mm"].round(1).tolist() == [31.6, 13.8, 13.4, 4.0]
        assert table["sphere_diameter_mm"].round(1).iloc[3] == 6.2
        assert table["kept"].tolist() == [True, True, True, False]
        assert table["reason"].iloc[3] == "axial diameter 4.0 mm < 5.0 mm"
        assert sitk.GetArrayViewFromImage(labelled).max() == 3
        assert (facts["n_lesions"], facts["n_dropped"]) == (3, 1)
    labelled, table, _ = label_lesions(ct, mask, diameter="sphere")
    assert table["kept"].all() and sitk.GetArrayViewFromImage(labelled).max() == 4


def test_crlm_1006_is_pictured_with_the_liver_on_the_left(crlm, tmp_path):
    ct, _, mask, _ = crlm
    labelled, _, _ = label_lesions(ct, mask)
    draw_overlay(ct, mask, labelled, tmp_path / "review.png", "1006")
    picture = imread(tmp_path / "review.png")[..., :3]
    outline = np.abs(picture - np.array([53, 196, 255]) / 255).max(axis=-1) < 0.1
    fifth = outline[outline.shape[0] // 2 :, : outline.shape[1] // 5]  # a panel of the lower rows
    assert np.argwhere(fifth)[:, 1].mean() < fifth.shape[1] / 2


def test_a_slice_of_crlm_1006_gone_or_doubled_is_noticed(dicom_folder, tmp_path):
    folder = Path(shutil.copytree(dicom_folder("crlm_1006"), tmp_path / "ct"))
    files = sorted(folder.iterdir())
    files[20].rename(tmp_path / "kept.dcm")
    with pytest.raises(BadPatient, match=r"1 of 51 slices are missing: the step is 5\.00 mm"):
        import_ct(folder, "1006")
    shutil.copy(tmp_path / "kept.dcm", files[20])
    shutil.copy(tmp_path / "kept.dcm", folder / "again.dcm")
    assert import_ct(folder, "1006")[1]["ignored_files"] == 1  # a copy adds nothing
    other = pydicom.dcmread(tmp_path / "kept.dcm")
    other.SOPInstanceUID += ".1"
    other.save_as(folder / "again.dcm")
    with pytest.raises(BadPatient, match="1 slice positions occur twice"):
        import_ct(folder, "1006")


# ---- CHAOS set 3, whose slice thickness is not its step, and without a lesion


def test_chaos_3_has_the_volume_and_mean_of_its_readme_and_no_lesion(real_data, dicom_folder):
    ct, facts = import_ct(dicom_folder("chaos_set3"), "chaos")
    assert facts["spacing_mm"][2] == 2.0 and facts["slice_thickness_mm"] == pytest.approx(3.2)
    given = real_data / "chaos_set3/liver_gt.nii.gz"
    mask, record = final_mask("chaos", ct, None, given, Path("none"), {"liver": 1})
    assert record["geometry"] == "equal"
    assert record["liver_ml"] == pytest.approx(1417.49, abs=0.01) and record["lesion_ml"] == 0
    under = sitk.GetArrayViewFromImage(ct)[sitk.GetArrayViewFromImage(mask) == 1]
    assert (under.mean().round(1), under.std().round(1)) == (141.0, 34.1)
    labelled, table, facts = label_lesions(ct, mask)
    assert len(table) == 0 and facts["n_lesions"] == 0 and facts["burden"] == 0
    assert facts["parenchyma_hu"] == pytest.approx(141.0, abs=0.05)


# ---- TotalSegmentator's example


def test_totalsegmentators_liver_is_taken_once_its_other_organs_are_ignored(real_data):
    folder = real_data / "totalsegmentator_example"
    ct, facts = import_ct(folder / "example_ct_sm.nii.gz", "ts")
    given, nowhere = folder / "example_seg.nii.gz", Path("none")
    with pytest.raises(BadPatient, match="unknown label values.*`masks.labels`"):
        final_mask("ts", ct, None, given, nowhere, {"liver": 5})
    mask, record = final_mask("ts", ct, None, given, nowhere, {"liver": 5, "ignore": "all"})
    assert record["geometry"] == "equal"
    # its own figures are of the mask before it was resampled to the CT
    assert record["liver_ml"] == pytest.approx(1062.45, rel=0.03)
    _, _, numbers = label_lesions(ct, mask)
    assert numbers["parenchyma_hu"] == pytest.approx(44.86, abs=1)
    assert import_ct(folder / "example_ct.nii.gz", "ts")[0].GetSize() == (122, 101, 112)


def test_kidney_masks_of_unusual_axes_have_their_known_components(real_data):
    for case, connectivity, expected in [(41, 26, 2), (41, 6, 3), (50, 26, 2)]:
        mask = sitk.ReadImage(str(real_data / f"kits19_masks/case_000{case}_segmentation.nii.gz"))
        ct = sitk.Cast(mask, sitk.sitkInt16) * 0 + 30
        _, table, _ = label_lesions(ct, mask, connectivity=connectivity)
        assert len(table) == expected
        if case == 50:
            assert table["volume_ml"].round(3).tolist() == [pytest.approx(2.44, abs=0.01), 0.007]
        _, upright, _ = label_lesions(*(sitk.DICOMOrient(i, "LPS") for i in (ct, mask)))
        if connectivity == 26:
            columns = ["axial_diameter_mm", "feret_diameter_mm", "x_mm", "y_mm", "z_mm"]
            np.testing.assert_allclose(table[columns], upright[columns], atol=1e-9)


def test_a_mask_of_another_real_scan_is_refused(real_data, dicom_folder):
    ct, _ = import_ct(dicom_folder("chaos_set3"), "chaos")
    given = real_data / "crlm_1006/labels.nii.gz"
    with pytest.raises(BadPatient, match="outside the CT"):
        final_mask("chaos", ct, None, given, Path("none"), LABELS)


# ---- collected trouble

OUTCOMES = {
    "pydicom/dicomdirtests/77654033/CT2": "161 of 165 slices are missing",
    "pydicom/dicomdirtests/98892001/CT2N": "only 2 localiser",
    "pydicom/dicomdirtests/98892001/CT5N": (16, 16, 5),  # instance numbers run against z
    "pydicom/dicomdirtests/77654033/CR1": "not CT",
    "pydicom/dicomdirtests/77654033/CR2": "not CT",
    "pydicom/dicomdirtests/77654033/CR3": "not CT",
    "rt-utils/oriented_data": "no range of HU",  # its voxels are -10 to 10
    "rt-utils/one_slice_data": "only one slice",
    "rt-utils/empty": "no CT slices",
    "rt-utils/mock_data": (512, 512, 2),  # beside three structure sets
    "dcmqi_seg/ct-3slice": (512, 512, 3),
    "dcmqi_seg/23x38x3/image": "no range of HU",  # its voxels are 0 and 1
    "dcmqi_seg/23x38x3/multiframe": "no range of HU",  # the same voxels, of another program
    "dcmqi_seg/23x38x3/seg": "no CT slices, only 1 SEG",
    "dcmqi_seg/24x38x3/image": "no range of HU",  # its voxels are 0 and 1
    "dcmqi_seg/24x38x3/multiframe": "no range of HU",  # the same voxels, of another program
    "dcmqi_seg/24x38x3/seg": "no CT slices",
    "pydicom/ExplVR_BigEnd.dcm": "not CT",
    "pydicom/JPEG2000.dcm": "not CT",
    "pydicom/MR_truncated.dcm": "damaged or cut short",
    "pydicom/MR_small_RLE.dcm": "not CT",
    "pydicom/MR_small_jpeg_ls_lossless.dcm": "not CT",
    "pydicom/MR_small_padded.dcm": "not CT",
    "pydicom/liver_1frame.dcm": "no CT slices, only 1 SEG",
    "pydicom/rtdose.dcm": "no CT slices",
    "pydicom/badVR.dcm": "no CT slices",
    "pydicom/image_dfl.dcm": "not CT",
    "pydicom/no_meta.dcm": "damaged or cut short",
    "pydicom/rtstruct.dcm": "no CT slices",
    "pydicom/CT_small.dcm": "only one slice",
    "pydicom/J2K_pixelrep_mismatch.dcm": "only one slice",
}


def test_every_case_of_the_collection_has_its_outcome(real_data):
    folder = real_data / "dicom_edge"
    cases = {file.relative_to(folder) for file in folder.rglob("*") if file.is_file()}
    cases -= {case for case in cases if case.suffix == ".nrrd" or case.name == "LICENSE"}
    masks = {case for case in cases if case.parent.name == "dcmqi_seg"}  # read in test_review
    known = {case for case in cases for name in OUTCOMES if case.is_relative_to(name)}
    assert cases - masks == known


@pytest.mark.parametrize("name", OUTCOMES)
def test_dicom_trouble_ends_in_a_ct_or_in_words(real_data, tmp_path, name):
    source, expected = real_data / "dicom_edge" / name, OUTCOMES[name]
    if source.is_file():  # alone in a folder, as an export of one image
        shutil.copy(source, tmp_path)
        source = tmp_path
    if isinstance(expected, tuple):
        ct, facts = import_ct(source, "P07")
        assert ct.GetSize() == expected and tuple(facts["size"]) == expected
        return
    with pytest.raises(BadPatient, match=f"^patient P07: .*({expected})") as caught:
        import_ct(source, "P07")
    assert "\n" not in str(caught.value) and "1.2.8" not in str(caught.value)


@pytest.mark.parametrize("name", ["23x38x3", "24x38x3"])
def test_a_multi_frame_ct_of_another_program_equals_its_slices(real_data, name):
    folder = real_data / "dicom_edge/dcmqi_seg" / name
    frames, slices = (read_series([folder / kind], "P07")[0] for kind in ("multiframe", "image"))
    assert (sitk.GetArrayFromImage(frames) == sitk.GetArrayFromImage(slices)).all()
    assert same_grid(frames, slices)


@pytest.mark.parametrize("case", ["crlm_1006", "chaos_set3"])
def test_a_real_ct_as_one_multi_frame_file_equals_its_slices(dicom_folder, tmp_path, case):
    classic = dicom_folder(case)
    frames, facts = import_ct(legacy_enhanced(classic, tmp_path / "ct.dcm"), "P07")
    slices, expected = import_ct(classic, "P07")
    assert facts["sha256"] == expected["sha256"] and same_grid(frames, slices)
    kept = ("kvp", "kernel", "model", "contrast", "slice_thickness_mm", "clipped_voxels")
    assert {key: facts[key] for key in kept} == {key: expected[key] for key in kept}


def test_a_reversed_series_is_upright(real_data):
    ct, _ = import_ct(real_data / "dicom_edge/pydicom/dicomdirtests/98892001/CT5N", "P07")
    assert ct.GetOrigin()[2] == pytest.approx(-1.2375)
    assert ct.GetSpacing()[2] == pytest.approx(2.5)
    np.testing.assert_allclose(ct.GetDirection(), np.eye(3).ravel(), atol=1e-6)


def test_an_oblique_series_has_its_published_geometry(real_data, tmp_path):
    folder = real_data / "dicom_edge/rt-utils/oriented_data"
    ct, _ = read_series([folder], "P07")
    np.testing.assert_allclose(ct.GetSpacing(), (2.5, 3.5, 4.5), atol=1e-4)
    for k in range(3):
        header = pydicom.dcmread(folder / f"{k}.dcm")
        found = ct.TransformIndexToPhysicalPoint((0, 0, k))
        np.testing.assert_allclose(found, np.array(header.ImagePositionPatient, float), atol=1e-4)
    sitk.WriteImage(ct, tmp_path / "ct.nii.gz")
    assert same_grid(ct, sitk.ReadImage(str(tmp_path / "ct.nii.gz")))


def test_jpeg_2000_that_disagrees_with_its_header_comes_out_as_pydicom_reads_it(
    real_data, tmp_path
):
    header = pydicom.dcmread(real_data / "dicom_edge/pydicom/J2K_pixelrep_mismatch.dcm")
    hu = header.pixel_array * float(header.RescaleSlope) + float(header.RescaleIntercept)
    normal = np.cross(*np.reshape(header.ImageOrientationPatient, (2, 3)).astype(float))
    start, header.GantryDetectorTilt = np.array(header.ImagePositionPatient, float), 0
    for k in range(2):
        header.ImagePositionPatient = [f"{value:.6f}" for value in start + 5 * k * normal]
        header.save_as(tmp_path / f"{k}.dcm")
    ct, _ = read_series([tmp_path], "P07")  # import refuses two slices that are alike
    assert (sitk.GetArrayViewFromImage(ct)[1] == hu).all()
    header.GantryDetectorTilt = -22
    header.save_as(tmp_path / "1.dcm")
    with pytest.raises(BadPatient, match="tilted gantry"):
        import_ct(tmp_path, "P07")
