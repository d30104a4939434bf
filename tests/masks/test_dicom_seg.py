"""Masks as DICOM-SEG: coded, without identity, on the voxels where dcmqi puts them."""

from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_and_mask
from livermets.core.errors import BadPatient
from livermets.imaging.geometry import onto_grid
from livermets.masks.dicom_seg import _ct_headers, read_dicom_seg, write_dicom_seg
from livermets.masks.labels import LABEL_VALUES
from livermets.masks.mask_files import read_mask
from pydicom.sr.coding import Code


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
    with pytest.raises(BadPatient, match='known as liver or lesion: "GREEN" .layer 0'):
        read_mask(folder / "partial_overlaps.dcm", "P1", LABEL_VALUES)
    with pytest.raises(BadPatient, match="cannot be read as a DICOM segmentation"):
        read_mask(folder / "ct-3slice/01.dcm", "P1", LABEL_VALUES)


@pytest.mark.parametrize("maximum", [255, 100], ids=["of 255", "of 100"])
def test_a_fractional_segmentation_is_cut_at_a_half(tmp_path, caplog, maximum):
    """highdicom stores .49 and .5 rounded to whole steps of the maximum."""
    mask = ct_and_mask()[1]
    share = np.choose(sitk.GetArrayFromImage(mask), [0.2, 0.51, 0.49])
    codes = [Code("123037004", "SCT", "Anatomical Structure"), Code("10200004", "SCT", "Liver")]
    segment = hd.seg.SegmentDescription(
        1, "liver", *codes, hd.seg.SegmentAlgorithmTypeValues.MANUAL
    )
    hd.seg.Segmentation(
        _ct_headers(mask, "ab" * 32, "P1"), share, hd.seg.SegmentationTypeValues.FRACTIONAL,
        [segment], hd.UID(), 1, hd.UID(), 1, "a", "b", "c", "d",
        max_fractional_value=maximum,
    ).save_as(tmp_path / "P1.dcm")  # fmt: skip
    back = onto_grid(read_mask(tmp_path / "P1.dcm", "P1", LABEL_VALUES), mask, "P1")[0]
    assert np.array_equal(sitk.GetArrayFromImage(back), share > 0.5)
    assert "voxels from 0.5 on are mask" in caplog.text


def test_a_segment_without_a_telling_name_is_refused_and_read_once_it_is_mapped(tmp_path):
    mask = ct_and_mask()[1]
    codes = [Code("123037004", "SCT", "Anatomical Structure"), Code("10200004", "SCT", "Liver")]
    manual = hd.seg.SegmentAlgorithmTypeValues.MANUAL
    voxels = sitk.GetArrayFromImage(mask)
    hd.seg.Segmentation(
        _ct_headers(mask, "ab" * 32, "P1"),
        np.stack([voxels == 2, voxels > 0], axis=-1).astype(np.uint8),
        hd.seg.SegmentationTypeValues.BINARY,
        [hd.seg.SegmentDescription(k, f"Segment_{k}", *codes, manual) for k in (1, 2)],
        hd.UID(), 1, hd.UID(), 1, "a", "b", "c", "d",
    ).save_as(tmp_path / "P1.dcm")  # fmt: skip
    with pytest.raises(BadPatient, match='"Segment_1" .layer 0.*give their names'):
        read_mask(tmp_path / "P1.dcm", "P1", LABEL_VALUES)
    labels = {"liver": "Segment_2", "lesion": ["Segment_1"]}
    back = onto_grid(read_mask(tmp_path / "P1.dcm", "P1", labels), mask, "P1")[0]
    assert np.array_equal(sitk.GetArrayFromImage(back), voxels)


def test_an_export_that_breaks_off_leaves_the_earlier_file_as_it_was(tmp_path, monkeypatch):
    path, mask = tmp_path / "P1.seg.dcm", ct_and_mask()[1]
    write_dicom_seg(mask, "ab" * 32, "P1", "automatic", path)
    before = path.read_bytes()

    def break_off(self: pydicom.Dataset, unfinished: Path) -> None:
        unfinished.write_bytes(before[:100])
        raise OSError("no space left on device")

    monkeypatch.setattr(pydicom.Dataset, "save_as", break_off)
    with pytest.raises(OSError, match="no space"):
        write_dicom_seg(mask, "ab" * 32, "P1", "corrected", path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
