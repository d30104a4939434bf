"""Enhanced (multi-frame) CT is read as the classic series of the same slices, and checked alike."""

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from helpers.ct_images import refused_ct
from helpers.dicom_series import volume, write_series
from helpers.enhanced_ct import enhanced, legacy_enhanced, split_file
from livermets.imaging.ct import import_ct
from livermets.imaging.dicom_headers import FrameHeader, is_lossy, read_acquisition
from livermets.imaging.draft_cohort import draft_cohort
from livermets.imaging.multi_frame import frame_headers
from livermets.study.config import load_config
from pydicom.uid import JPEGLSLossless, JPEGLSNearLossless, RLELossless, generate_uid

ORDER = [3, 0, 5, 1, 4, 2]  # of the frames in the file, which no reader may rely on
OBLIQUE = (0.96, 0.28, 0, -0.28, 0.96, 0)


def same_ct(source, classic) -> dict:
    """Both are read to the same voxels on the same grid; returns the record of the first."""
    ct, record = import_ct(source, "P1")
    truth, expected = import_ct(classic, "P1")
    assert (sitk.GetArrayFromImage(ct) == sitk.GetArrayFromImage(truth)).all()
    for grid in ("GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(ct, grid)(), getattr(truth, grid)(), atol=1e-9)
    assert record["sha256"] == expected["sha256"] and record["n_slices"] == expected["n_slices"]
    return record


@pytest.mark.parametrize(
    "tags",
    [{}, {"slope": 2.0}, {"orientation": OBLIQUE}, {"KVP": 100, "ConvolutionKernel": "Br40"}],
    ids=["plain", "rescaled by two", "oblique", "with its acquisition"],
)
def test_a_converted_multi_frame_ct_equals_the_classic_series(tmp_path, tags):
    classic = write_series(tmp_path / "classic", volume(), **tags)
    record = same_ct(legacy_enhanced(classic, tmp_path / "enhanced/ct.dcm").parent, classic)
    assert record["kvp"] == tags.get("KVP")
    assert record["kernel"] == tags.get("ConvolutionKernel")
    assert record["slice_thickness_mm"] == 5 and record["ignored_files"] == 0


@pytest.mark.parametrize("slope", [1.0, 0.5], ids=["whole numbers", "half steps of HU"])
@pytest.mark.parametrize("order", [range(6), ORDER], ids=["in order", "in any order"])
def test_an_enhanced_ct_of_a_scanner_equals_the_classic_series(tmp_path, order, slope):
    classic = write_series(tmp_path / "classic", volume(), slope=slope)
    file = enhanced(classic, tmp_path / "enhanced/ct.dcm", order)
    record = same_ct(file, classic)  # the file itself may be named, as one slice of a series may
    assert (record["kernel"], record["kvp"]) == ("B30f", 120)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless], ids=["RLE", "JPEG-LS"])
def test_a_compressed_enhanced_ct_is_read(tmp_path, syntax):
    classic = write_series(tmp_path / "classic", volume())
    file = enhanced(classic, tmp_path / "enhanced/ct.dcm", ORDER)
    header = pydicom.dcmread(file)
    header.compress(syntax, generate_instance_uid=False)
    header.save_as(file)
    same_ct(file.parent, classic)


def test_an_enhanced_ct_in_two_files_is_one_series(tmp_path):
    classic = write_series(tmp_path / "classic", volume())
    file = enhanced(classic, tmp_path / "enhanced/ct.dcm", ORDER)
    split_file(file, 2)
    same_ct(file.parent, classic)


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ({"heights": np.array([0, 2.5, 7.5, 10, 12.5, 15])}, "1 of 7 slices are missing"),
        ({"heights": np.array([0, 2.5, 5, 5, 7.5, 10])}, "1 slice positions occur twice"),
        ({"heights": np.array([0, 2.5, 5, 7.5, 11, 13.5])}, "unevenly spaced"),
        ({"lean_mm": 2.5 * np.tan(np.radians(8))}, "sheared by 8.0°"),
        ({"GantryDetectorTilt": -12}, "12.0°"),
    ],
    ids=["a gap", "a doubled position", "uneven steps", "a tilt by positions", "a tilt by its tag"],
)
@pytest.mark.parametrize("kind", [legacy_enhanced, enhanced], ids=["converted", "of a scanner"])
def test_an_enhanced_ct_passes_the_checks_of_a_classic_series(tmp_path, kind, series, words):
    classic = write_series(tmp_path / "classic", volume(), **series)
    order = {"order": ORDER} if kind is enhanced else {}
    refused_ct(kind(classic, tmp_path / "enhanced/ct.dcm", **order).parent, words)


def test_frames_shifted_by_a_tilted_gantry_are_straightened_like_slices(tmp_path):
    hu = volume((6, 32, 32)) // 100
    classic = write_series(tmp_path / "classic", hu, lean_mm=0.7)
    file = enhanced(classic, tmp_path / "enhanced/ct.dcm", ORDER)
    ct, record = import_ct(file, "P1", resample_tilt=True)
    truth, expected = import_ct(classic, "P1", resample_tilt=True)
    assert record["sha256"] == expected["sha256"]
    assert record["tilt_corrected_mm"] == expected["tilt_corrected_mm"] == pytest.approx(3.5)
    assert ct.GetOrigin() == truth.GetOrigin()


def _edit(file, change) -> None:
    header = pydicom.dcmread(file)
    change(header)
    header.save_as(file)


def _intercept(header) -> None:
    group = header.PerFrameFunctionalGroupsSequence[3]
    group.PixelValueTransformationSequence[0].RescaleIntercept = -1000


def _position(header) -> None:
    del header.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence


def _no_groups(header) -> None:
    del header.PerFrameFunctionalGroupsSequence


def _fewer_groups(header) -> None:
    header.PerFrameFunctionalGroupsSequence = header.PerFrameFunctionalGroupsSequence[:4]


def _cut_short(header) -> None:
    header.PixelData = header.PixelData[:-640]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_intercept, ("ct.dcm (frame 4)", "RescaleIntercept")),
        (_position, ("ct.dcm (frame 4)", "no ImagePositionPatient")),
        (_no_groups, ("multi-frame", "NIfTI")),
        (_fewer_groups, ("multi-frame", "NIfTI")),
        (_cut_short, ("ct.dcm", "damaged or cut short")),
    ],
    ids=["another intercept", "no position", "no groups", "too few groups", "cut short"],
)
def test_an_enhanced_ct_with_a_fault_is_refused_by_its_name(tmp_path, change, words):
    classic = write_series(tmp_path / "classic", volume())
    file = enhanced(classic, tmp_path / "enhanced/ct.dcm", ORDER)
    _edit(file, change)
    refused_ct(file.parent, *words)


def test_the_frames_of_two_phases_in_one_file_are_refused(tmp_path):
    classic = write_series(tmp_path / "classic", volume())
    file = enhanced(classic, tmp_path / "enhanced/ct.dcm", [*range(6), *range(6)])
    refused_ct(file, "6 slice positions occur twice", "one phase")


def test_an_enhanced_ct_states_its_contrast_agent_and_its_delay(tmp_path):
    classic = write_series(tmp_path / "classic", volume())
    profile, agent = pydicom.Dataset(), pydicom.Dataset()
    profile.ContrastBolusStartTime = "101500"
    agent.CodeMeaning, agent.ContrastAdministrationProfileSequence = "Iohexol", [profile]
    file = enhanced(
        classic,
        tmp_path / "ct.dcm",
        ORDER,
        ContrastBolusAgentSequence=[agent],
        AcquisitionDateTime="20230913101610.5+0200",
    )
    frame = frame_headers(pydicom.dcmread(file))[2]
    assert isinstance(frame, FrameHeader) and frame.number == 3
    record = read_acquisition(frame)
    assert record["contrast"] is True
    assert record["phase"] == "portal venous"  # 70 s after the injection


def test_a_frame_was_compressed_with_loss_if_its_file_was(tmp_path):
    classic = write_series(tmp_path / "classic", volume())
    header = pydicom.dcmread(enhanced(classic, tmp_path / "ct.dcm", ORDER))
    assert not is_lossy(frame_headers(header)[0])
    header.file_meta.TransferSyntaxUID = JPEGLSNearLossless
    assert all(map(is_lossy, frame_headers(header)))


def test_a_classic_header_is_its_own_and_only_frame(tmp_path):
    write_series(tmp_path, volume())
    header = pydicom.dcmread(next(tmp_path.iterdir()))
    assert frame_headers(header) == [header]


def test_the_draft_of_a_cohort_counts_the_frames_of_an_enhanced_ct(tmp_path):
    hu = volume((12, 16, 20))
    classic = write_series(tmp_path / "classic", hu)
    exports = tmp_path / "exports"
    enhanced(classic, exports / "a/ct.dcm", range(12), SeriesDescription="portal venous")
    short = enhanced(classic, exports / "a/short/ct.dcm", range(4))
    _edit(short, lambda header: setattr(header, "SeriesInstanceUID", generate_uid()))
    sheet, series = draft_cohort(exports, load_config({})["imaging"]["inclusion"])
    assert sheet["ct"].tolist() == [str(exports / "a")]
    chosen = series[series["chosen"]].iloc[0]
    assert (chosen["n_slices"], chosen["slice_step_mm"]) == (12, 2.5)
    assert (chosen["orientation"], chosen["kernel"]) == ("axial", "B30f")
    assert series[~series["chosen"]].iloc[0]["refused"] == "only 4 slices"
