"""Masks as DICOM-SEG: coded, without identity, on the voxels where dcmqi puts them."""

import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_and_mask
from helpers.dicom_series import write_series
from livermets.core.errors import BadPatient
from livermets.imaging.ct import import_ct
from livermets.imaging.geometry import onto_grid
from livermets.masks.dicom_seg import algorithm_type, read_dicom_seg, write_dicom_seg
from livermets.masks.dicom_seg_source import export_source, hospital_source
from livermets.masks.labels import LABEL_VALUES
from livermets.masks.mask_files import read_mask
from pydicom.sr.coding import Code

MADE = datetime(2026, 5, 4, 3, 2, 1)


def written(folder: Path, drawn: str | None = "semiautomatic", **hospital) -> pydicom.Dataset:
    """The DICOM-SEG of a small mask, for export or on the slices of a CT."""
    mask = hospital.get("mask", ct_and_mask()[1])
    source = export_source(mask, "ab" * 32, "P1")
    if hospital:
        source = hospital_source(ct_hash="ab" * 32, patient="P1", created=MADE, **hospital)
    write_dicom_seg(mask, source, drawn, folder / "P1.dcm")
    return pydicom.dcmread(folder / "P1.dcm")


def test_an_exported_segmentation_is_coded_identifies_nobody_and_is_the_same_each_time(tmp_path):
    ds = written(tmp_path)
    first = (tmp_path / "P1.dcm").read_bytes()
    written(tmp_path)
    assert (tmp_path / "P1.dcm").read_bytes() == first
    assert ds.PatientID == "P1"
    assert ds.StudyDate == ds.PatientBirthDate == ""
    assert (ds.ContentDate, ds.ContentTime) == ("19000101", "000000")
    types = [one.SegmentedPropertyTypeCodeSequence[0] for one in ds.SegmentSequence]
    assert [(c.CodingSchemeDesignator, c.CodeValue) for c in types] == [
        ("SCT", "10200004"), ("SCT", "14799000"),
    ]  # fmt: skip


def test_an_exported_segmentation_refers_to_no_image(tmp_path):
    ds = written(tmp_path)
    keywords = {element.keyword for element in ds.iterall()}
    assert not keywords & {"ReferencedSOPInstanceUID", "ReferencedSeriesSequence"}
    assert ds.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence


def dicom_ct(folder: Path, **tags: str) -> tuple[Path, sitk.Image]:
    """A CT series with tags of a hospital, and a liver mask with a lesion on its grid."""
    hu = np.random.default_rng(0).normal(20, 60, (6, 16, 20)).astype(np.int16)
    uids = {"StudyInstanceUID": "1.2.3.4", "FrameOfReferenceUID": "1.2.3.5"}
    series = write_series(folder / "ct", hu, AccessionNumber="A77", **(uids | tags))
    ct, _ = import_ct(series, "P1")
    array = np.zeros((6, 16, 20), np.uint8)
    array[1:5, 3:12, 4:15] = 1
    array[2:4, 5:8, 6:9] = 2
    mask = sitk.GetImageFromArray(array)
    mask.CopyInformation(ct)
    return series, mask


def test_in_the_hospital_it_refers_to_the_slices_on_which_its_frames_lie(tmp_path):
    series, mask = dicom_ct(tmp_path)
    slices = {header.SOPInstanceUID: header for header in map(pydicom.dcmread, series.iterdir())}
    any_slice = next(iter(slices.values()))
    ds = written(tmp_path, mask=mask, ct_files=[series])
    for key in ("PatientID", "PatientName", "StudyInstanceUID", "FrameOfReferenceUID",
                "AccessionNumber"):  # fmt: skip
        assert ds[key].value == any_slice[key].value
    assert ds.ReferencedSeriesSequence[0].SeriesInstanceUID == any_slice.SeriesInstanceUID
    assert (ds.ContentDate, ds.ContentTime) == ("20260504", "030201")
    assert ds.NumberOfFrames == 4 + 2
    for frame in ds.PerFrameFunctionalGroupsSequence:
        image = frame.DerivationImageSequence[0].SourceImageSequence[0]
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        expected = slices[image.ReferencedSOPInstanceUID].ImagePositionPatient
        assert np.allclose(position, expected, atol=1e-6)


def test_slices_without_uids_are_not_referred_to_and_the_mask_still_lies_on_them(tmp_path):
    series, mask = dicom_ct(tmp_path, FrameOfReferenceUID="")
    ds = written(tmp_path, mask=mask, ct_files=[series])
    assert "ReferencedSeriesSequence" not in ds and ds.FrameOfReferenceUID
    assert ds.StudyInstanceUID == "1.2.3.4" and ds.PatientID == "MRN4711"
    back = onto_grid(read_mask(tmp_path / "P1.dcm", "P1", LABEL_VALUES), mask, "P1")
    assert back[1] == "equal"
    assert np.array_equal(sitk.GetArrayFromImage(back[0]), sitk.GetArrayFromImage(mask))


def test_in_the_hospital_a_changed_folder_is_refused(tmp_path):
    series, mask = dicom_ct(tmp_path)
    highest = max(series.iterdir(), key=lambda file: pydicom.dcmread(file).ImagePositionPatient[2])
    highest.unlink()
    with pytest.raises(BadPatient, match="now holds 5 slices, and 6 were imported"):
        written(tmp_path, mask=mask, ct_files=[series])


def layer(image: sitk.Image, number: int, grid: sitk.Image) -> np.ndarray:
    """One segment of what `read_dicom_seg` gave, on the voxels of another image."""
    own = sitk.VectorIndexSelectionCast(image, number)
    on_it = sitk.Resample(own, grid, sitk.Transform(), sitk.sitkNearestNeighbor)
    return sitk.GetArrayFromImage(on_it) > 0


def test_the_liver_is_the_whole_organ_and_is_read_back_as_liver_and_lesion(tmp_path):
    mask = ct_and_mask()[1]
    labels = sitk.GetArrayFromImage(mask)
    written(tmp_path)
    image, names = read_dicom_seg(tmp_path / "P1.dcm", "P1", "mask")
    assert names == ["liver", "lesion"]
    assert np.array_equal(layer(image, 0, mask), labels > 0)
    assert np.array_equal(layer(image, 1, mask), labels == 2)
    back = onto_grid(read_mask(tmp_path / "P1.dcm", "P1", LABEL_VALUES), mask, "P1")[0]
    assert np.array_equal(sitk.GetArrayFromImage(back), labels)


DRAWN = {
    "manual": ("MANUAL", None),
    "semiautomatic": ("SEMIAUTOMATIC", "livermets"),
    "automatic": ("AUTOMATIC", "livermets"),
    None: ("SEMIAUTOMATIC", "not stated"),
}


@pytest.mark.parametrize("drawn", DRAWN, ids=["manual", "semiautomatic", "automatic", "unknown"])
def test_a_mask_is_called_manual_only_if_it_was_drawn_by_hand(tmp_path, drawn):
    ds = written(tmp_path, drawn)
    said = {(s.SegmentAlgorithmType, s.get("SegmentAlgorithmName")) for s in ds.SegmentSequence}
    assert said == {DRAWN[drawn]}
    assert algorithm_type(tmp_path / "P1.dcm") == DRAWN[drawn][0].lower()


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("kind", ["hospital", "export"])
def test_dciodvfy_finds_no_error(tmp_path, kind):
    series, mask = dicom_ct(tmp_path)
    written(tmp_path, **({"mask": mask, "ct_files": [series]} if kind == "hospital" else {}))
    done = subprocess.run(
        ["dciodvfy", str(tmp_path / "P1.dcm")], capture_output=True, text=True, check=False
    )
    assert "Segmentation" in done.stderr and "Error" not in done.stderr, done.stderr


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
        export_source(mask, "ab" * 32, "P1").headers, share,
        hd.seg.SegmentationTypeValues.FRACTIONAL,
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
        export_source(mask, "ab" * 32, "P1").headers,
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
    source = export_source(mask, "ab" * 32, "P1")
    write_dicom_seg(mask, source, "automatic", path)
    before = path.read_bytes()

    def break_off(self: pydicom.Dataset, unfinished: Path) -> None:
        unfinished.write_bytes(before[:100])
        raise OSError("no space left on device")

    monkeypatch.setattr(pydicom.Dataset, "save_as", break_off)
    with pytest.raises(OSError, match="no space"):
        write_dicom_seg(mask, source, "semiautomatic", path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
