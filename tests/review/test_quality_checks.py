"""The worklist's warnings and page, and the masks as 3D Slicer and DICOM keep them."""

import json

import nibabel
import numpy as np
import pandas as pd
import pydicom
import pytest
import SimpleITK as sitk
from livermets.core.errors import BadPatient
from livermets.imaging.geometry import onto_grid
from livermets.lesions.components import split_lesions
from livermets.masks.dicom_seg import read_dicom_seg, write_dicom_seg
from livermets.masks.final_mask import final_mask
from livermets.masks.mask_files import read_mask
from livermets.masks.seg_nrrd import write_seg_nrrd
from livermets.review.overlay import draw_overlay
from livermets.review.quality_checks import look_over, touched_sides
from livermets.review.worklist import render_worklist
from livermets.study.corrections import find_correction, find_sidecar

LABELS = {"liver": 1, "lesion": 2}


def ct_and_mask(direction=(1, 0, 0, 0, 1, 0, 0, 0, 1), spacing=(3.0, 3.0, 5.0)):
    labels = np.zeros((24, 60, 70), np.uint8)
    labels[4:20, 10:50, 12:60] = 1
    labels[8:11, 20:26, 20:26] = 2
    labels[14:17, 30:40, 40:46] = 2
    hu = np.random.default_rng(0).normal(0, 5, labels.shape)
    hu = (hu + np.array([-100, 110, 50])[labels]).astype(np.int16)
    images = [sitk.GetImageFromArray(array) for array in (hu, labels)]
    for image in images:
        image.SetSpacing(spacing)
        image.SetOrigin((-80.5, 31.25, -402.0))
        image.SetDirection(direction)
    return images


def looked(ct, mask, **record):
    table, facts = split_lesions(ct, mask)[1:]
    fixed = {"source": "automatic", "correction": None, "geometry": "equal"}
    fixed |= {"dice_liver": 1.0, "dice_lesion": 1.0}
    return look_over(ct, mask, table, facts, fixed | record)


def edited(mask, change):
    labels = sitk.GetArrayFromImage(mask)
    change(labels)
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(mask)
    return image


# --- warnings ----------------------------------------------------------------------------------


def test_a_plausible_mask_has_statistics_and_no_warning():
    ct, mask = ct_and_mask()
    found = looked(ct, mask)
    assert found["warnings"] == []
    labels, hu = sitk.GetArrayFromImage(mask), sitk.GetArrayFromImage(ct)
    assert found["parenchyma_hu"] == pytest.approx((hu[labels == 1].mean(), hu[labels == 1].std()))
    assert found["liver_ml"] == pytest.approx((labels > 0).sum() * 0.045)
    assert [one["number"] for one in found["lesions"]] == [1, 2]
    json.dumps(found)


CHANGES = {
    "the liver touches the foot, back border of the volume": lambda a: a.__setitem__(
        np.s_[:8, 40:, 20:40], 1
    ),
    r"the liver is in 2 pieces \(13 ml apart\)": lambda a: a.__setitem__(np.s_[5:12, 53:58, 2:10],
                                                                          1),
    "1 lesion outside the liver": lambda a: a.__setitem__(np.s_[5:8, 55:58, 2:6], 2),
    "a liver of .* ml is hardly plausible": lambda a: a.__setitem__(np.s_[:, :, 32:], 0),
    "no lesion large enough": lambda a: np.minimum(a, 1, out=a),
    "of the liver is lesion": lambda a: a.__setitem__(np.s_[5:19, 11:49, 13:50], 2),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_a_reader_should_look_at_is_said(change):
    wanted = next(text for text, known in CHANGES.items() if known is change)
    ct, mask = ct_and_mask()
    warnings = looked(ct, edited(mask, change))["warnings"]
    assert pd.Series(warnings).str.contains(wanted).any(), warnings


def test_hounsfield_units_that_do_not_fit_are_said():
    ct, mask = ct_and_mask()
    assert looked(ct - 59, mask)["warnings"] == [
        "parenchyma of 50 HU is unusual for the portal venous phase",
        "as dark as fat or gas: lesion 1, 2",
    ]
    bright = sitk.Cast(ct + 150 * sitk.Cast(mask == 2, sitk.sitkInt16), sitk.sitkInt16)
    assert looked(bright, mask)["warnings"] == ["brighter than the parenchyma: lesion 1, 2"]
    assert looked(ct, mask, geometry="resampled")["warnings"] == [
        "the mask lay on another grid and was resampled"
    ]


def test_borders_are_named_as_the_patient_lies_and_not_as_the_array_does():
    mask = ct_and_mask()[1]
    assert touched_sides(mask) == []
    foot = edited(mask, lambda a: a.__setitem__(np.s_[0, 20:30, 20:30], 1))
    assert touched_sides(foot) == ["foot"]
    feet_first = sitk.Image(foot)
    feet_first.SetDirection((1, 0, 0, 0, 1, 0, 0, 0, -1))
    assert touched_sides(feet_first) == ["head"]
    right = edited(mask, lambda a: a.__setitem__(np.s_[10, 20:30, 0], 1))
    assert touched_sides(right) == ["right"]


# --- files a reader opens ----------------------------------------------------------------------

DIRECTIONS = {
    "head first": (1, 0, 0, 0, 1, 0, 0, 0, 1),
    "feet first": (1, 0, 0, 0, 1, 0, 0, 0, -1),
    "oblique": (0.96, -0.28, 0, 0.28, 0.96, 0, 0, 0, 1),
}


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS.keys())
@pytest.mark.parametrize("kind", ["seg.nrrd", "seg.dcm"])
def test_what_was_written_for_the_reader_comes_back_as_it_was(tmp_path, direction, kind):
    ct, mask = ct_and_mask(direction, (0.7, 0.7, 2.5))
    path = tmp_path / f"P1.{kind}"
    if kind == "seg.nrrd":
        write_seg_nrrd(mask, path)
    else:
        write_dicom_seg(mask, "ab" * 32, "P1", "automatic", path)
    back, geometry = onto_grid(read_mask(path, "P1", LABELS), ct, "P1")
    assert geometry == "equal"  # also where DICOM keeps the slices with something on them alone
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(mask))


def test_slicers_segments_have_names_colours_extents_and_codes(tmp_path):
    write_seg_nrrd(ct_and_mask()[1], tmp_path / "P1.seg.nrrd")
    image = sitk.ReadImage(str(tmp_path / "P1.seg.nrrd"))
    said = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    assert [said[f"Segment{i}_Name"] for i in (0, 1)] == ["liver", "lesion"]
    assert [said[f"Segment{i}_LabelValue"] for i in (0, 1)] == ["1", "2"]
    assert said["Segment1_Extent"] == "20 45 20 39 8 16"
    assert len(set(said[f"Segment{i}_Color"] for i in (0, 1))) == 2
    assert "SCT^14799000^Neoplasm, Secondary" in said["Segment1_Tags"]
    assert "SCT^10200004^Liver" in said["Segment0_Tags"]


def test_a_dicom_segmentation_is_coded_identifies_nobody_and_is_the_same_each_time(tmp_path):
    mask = ct_and_mask()[1]
    for name in ("a", "b"):
        write_dicom_seg(mask, "ab" * 32, "P1", "corrected", tmp_path / f"{name}.dcm")
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
    ds = pydicom.dcmread(tmp_path / "a.dcm")
    assert ds.PatientID == "P1"
    assert ds.StudyDate == ds.PatientBirthDate == ""
    types = [one.SegmentedPropertyTypeCodeSequence[0] for one in ds.SegmentSequence]
    assert [(c.CodingSchemeDesignator, c.CodeValue) for c in types] == [
        ("SCT", "10200004"), ("SCT", "14799000"),
    ]  # fmt: skip
    assert {one.SegmentAlgorithmType for one in ds.SegmentSequence} == {"SEMIAUTOMATIC"}


def layer(image: sitk.Image, number: int, grid: sitk.Image) -> np.ndarray:
    """One segment of what `read_dicom_seg` gave, on the voxels of another image."""
    own = sitk.VectorIndexSelectionCast(image, number)
    on_it = sitk.Resample(own, grid, sitk.Transform(), sitk.sitkNearestNeighbor)
    return sitk.GetArrayFromImage(on_it) > 0


NRRDS = [
    # the DICOM-SEG, its segment, dcmqi's NRRD of the same, the value there
    ("23x38x3/seg/label.seg", 0, "23x38x3/nrrd/label.nrrd", 1),
    ("24x38x3/seg/label.seg", 0, "24x38x3/nrrd/label.nrrd", 1),
    ("sparse-labelmap-noppv.dcm", 0, "sparse_labelmap_noppv_seg.nrrd", 1),
    ("sparse-labelmap-ppv5.dcm", 0, "sparse_labelmap_ppv5_seg.nrrd", 1),
    *(("partial_overlaps.dcm", k, f"partial_overlaps-{file}.nrrd", k + 1)
      for k, file in enumerate((1, 2, 3, 1, 1))),
]  # fmt: skip


@pytest.mark.parametrize(("seg", "number", "nrrd", "value"), NRRDS)
def test_segments_lie_where_dcmqi_puts_them_also_where_they_overlap(
    real_data, seg, number, nrrd, value
):
    folder = real_data / "dicom_edge/dcmqi_seg"
    truth = sitk.ReadImage(str(folder / nrrd))
    ours = layer(read_dicom_seg(folder / seg, "P1", "mask")[0], number, truth)
    assert ours.any()
    assert np.array_equal(ours, sitk.GetArrayFromImage(truth) == value)


def test_segmentations_of_other_programs_are_read(real_data):
    """dcmqi's examples: what highdicom gives equals their own NRRD of the same."""
    folder = real_data / "dicom_edge/dcmqi_seg"
    image, segments = read_dicom_seg(folder / "liver.dcm", "P1", "mask")
    assert segments == ["Liver"]
    truth = sitk.ReadImage(str(folder / "liver_seg.nrrd")) > 0
    ours = sitk.Resample(
        sitk.VectorIndexSelectionCast(image, 0), truth, sitk.Transform(), sitk.sitkNearestNeighbor
    )
    assert np.array_equal(sitk.GetArrayFromImage(ours), sitk.GetArrayFromImage(truth))
    sparse = read_dicom_seg(folder / "sparse-labelmap-ppv5.dcm", "P1", "mask")[1]
    assert sparse == ["Liver"]
    with pytest.raises(BadPatient, match="neither liver nor lesion: GREEN"):
        read_mask(folder / "partial_overlaps.dcm", "P1", LABELS)
    with pytest.raises(BadPatient, match="cannot be read as a DICOM segmentation"):
        read_mask(folder / "ct-3slice/01.dcm", "P1", LABELS)


# --- corrections -------------------------------------------------------------------------------


def corrected(folder, kind, mask):
    path = folder / f"P1{kind}"
    if kind == ".dcm":
        write_dicom_seg(mask, "cd" * 32, "P1", "corrected", path)
    elif kind == ".seg.nrrd":
        write_seg_nrrd(mask, path)
    elif kind == ".nii":  # not by the library that reads it
        steps = np.reshape(mask.GetDirection(), (3, 3)) * mask.GetSpacing()
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = steps, mask.GetOrigin()
        affine = np.diag([-1, -1, 1, 1]) @ affine
        nibabel.save(nibabel.Nifti1Image(sitk.GetArrayFromImage(mask).T, affine), path)
    else:
        sitk.WriteImage(mask, str(path))
    return path


@pytest.mark.parametrize("kind", [".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".dcm"])
def test_a_correction_is_taken_in_any_form_with_who_made_it(tmp_path, kind):
    ct, automatic = ct_and_mask()
    mask = edited(automatic, lambda a: a.__setitem__(np.s_[8:11, 30:34, 20:26], 2))
    path = corrected(tmp_path, kind, mask)
    assert find_correction(tmp_path, "P1") == path
    said = {"reader": "R. Eader", "tool": "3D Slicer 5.8", "date": "2026-02-03"}
    (tmp_path / "P1.json").write_text(json.dumps(said))
    assert find_sidecar(tmp_path, "P1") == tmp_path / "P1.json"
    final, record = final_mask("P1", ct, automatic, None, tmp_path, LABELS)
    assert np.array_equal(sitk.GetArrayFromImage(final), sitk.GetArrayFromImage(mask))
    assert record["source"] == "corrected"
    assert record["correction"] == said
    assert record["geometry"] == "equal"
    assert record["dice_lesion"] < 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [("reader: me", "is no JSON"), ('{"reeder": "me"}', "has reeder"), ("[1]", "has no keys")],
)
def test_a_sidecar_that_says_nothing_known_is_refused_with_the_keys(tmp_path, text, problem):
    ct, mask = ct_and_mask()
    corrected(tmp_path, ".nii.gz", mask)
    (tmp_path / "P1.json").write_text(text)
    with pytest.raises(BadPatient, match=f"P1.json .*{problem}.*date, note, reader, tool"):
        final_mask("P1", ct, mask, None, tmp_path, LABELS)


# --- the page ----------------------------------------------------------------------------------


def test_the_worklist_shows_every_patient_and_asks_nothing_of_the_network(tmp_path):
    ct, mask = ct_and_mask()
    labelled = split_lesions(ct, mask)[0]
    draw_overlay(ct, mask, labelled, tmp_path / "P1.png", "P1")
    (tmp_path / "P2.png").write_bytes(b"")
    write_seg_nrrd(mask, tmp_path / "P1.seg.nrrd")
    (tmp_path / "P2.seg.nrrd").write_bytes(b"")
    out = {"stage": "import", "reason": "slices <b>missing</b>"}
    first = looked(ct - 59, mask, source="corrected", correction={"reader": "R. Eader"})
    render_worklist(
        [{"patient": "P1", "label": "colorectal", "excluded": None, **first},
         {"patient": "P2", "label": "pancreatic", "excluded": out}],
        [tmp_path / "P1.png", tmp_path / "P2.png"],
        [[tmp_path / "P1.seg.nrrd"], [tmp_path / "P2.seg.nrrd"]],
        tmp_path / "index.html",
    )  # fmt: skip
    page = (tmp_path / "index.html").read_text()
    assert "parenchyma of 50 HU is unusual" in page
    assert "R. Eader" in page
    assert "slices &lt;b&gt;missing&lt;/b&gt;" in page
    assert page.count("data:image/jpeg;base64,") == 1
    assert 'href="P1.seg.nrrd"' in page
    assert "P2.seg.nrrd" not in page
    assert "http" not in page.replace("data:image", "")
