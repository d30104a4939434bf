"""Which mask the study goes on with, what it says of it, and what it will not take."""

import gzip
import hashlib

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from livermets.core.errors import BadPatient
from livermets.masks.final_mask import dice, final_mask
from livermets.masks.mask_files import read_mask
from livermets.review.overlay import draw_overlay
from livermets.study.corrections import find_correction
from matplotlib.image import imread

LABELS = {"liver": 1, "lesion": 2}
SPACING = (1.0, 2.0, 4.0)


def labels() -> np.ndarray:
    """(z, y, x): a liver of 6×10×8 with a lesion of 2×2×3 voxels in it."""
    array = np.zeros((10, 20, 20), np.uint8)
    array[2:8, 5:15, 4:12] = 1
    array[3:5, 6:8, 5:8] = 2
    return array


def image_of(array: np.ndarray, origin=(0.0, 0.0, 0.0)) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING)
    image.SetOrigin(origin)
    return image


@pytest.fixture
def ct() -> sitk.Image:
    hu = np.where(labels() > 0, 100, -900).astype(np.int16)
    return image_of(hu)


def save(array: np.ndarray, path, origin=(0.0, 0.0, 0.0)):
    sitk.WriteImage(image_of(array, origin), path)
    return path


def segmented(path, layers: list[np.ndarray], segments: list[tuple[str, int, int]]):
    """A .seg.nrrd as 3D Slicer 5 writes it; segments are (name, layer, label value)."""
    several = len(layers) > 1
    array = np.stack(layers, axis=-1) if several else layers[0]
    size = " ".join(map(str, [*([len(layers)] if several else []), *layers[0].shape[::-1]]))
    header = [
        "NRRD0005",
        "type: unsigned char",
        f"dimension: {4 if several else 3}",
        "space: left-posterior-superior",
        f"sizes: {size}",
        f"space directions: {'none ' if several else ''}(1,0,0) (0,2,0) (0,0,4)",
        f"kinds: {'list ' if several else ''}domain domain domain",
        "encoding: gzip",
        "space origin: (0,0,0)",
    ]
    for i, (name, layer, value) in enumerate(segments):
        header += [
            f"Segment{i}_ID:=Segment_{i + 1}",
            f"Segment{i}_LabelValue:={value}",
            f"Segment{i}_Layer:={layer}",
            f"Segment{i}_Name:={name}",
        ]
    path.write_bytes("\n".join(header).encode() + b"\n\n" + gzip.compress(array.tobytes()))
    return path


def refused(*words):
    pattern = "^patient P07: .*" + ".*".join(words)
    return pytest.raises(BadPatient, match=pattern)


# ---- precedence and record


def test_a_correction_comes_before_the_given_mask_and_that_before_the_automatic(tmp_path, ct):
    automatic, given, corrected = labels(), labels(), labels()
    given[3:5, 6:8, 5:8] = 1
    corrected[3:5, 6:8, 5:7] = 1
    folder = tmp_path / "corrections"
    folder.mkdir()
    path = save(given, tmp_path / "given.nii.gz")
    arguments = ("P07", ct, image_of(automatic))
    _, record = final_mask(*arguments, None, folder, LABELS)
    assert record["source"] == "automatic" and record["file"] is None
    assert record["dice_liver"] == 1 and record["dice_lesion"] == 1
    mask, record = final_mask(*arguments, path, folder, LABELS)
    assert record["source"] == "given" and record["file"] == "given.nii.gz"
    assert record["dice_liver"] == 1 and record["dice_lesion"] == 0
    save(corrected, folder / "P07.nrrd")
    mask, record = final_mask(*arguments, path, folder, LABELS)
    assert record["source"] == "corrected" and record["file"] == "P07.nrrd"
    assert (sitk.GetArrayFromImage(mask) == corrected).all()
    assert record["dice_lesion"] == pytest.approx(2 * 4 / (4 + 12), abs=1e-6)
    assert record["sha256"] == hashlib.sha256((folder / "P07.nrrd").read_bytes()).hexdigest()


def test_volumes_are_those_of_the_labels(ct, tmp_path):
    _, record = final_mask("P07", ct, image_of(labels()), None, tmp_path, LABELS)
    assert record["liver_ml"] == pytest.approx(480 * 8 / 1000)
    assert record["lesion_ml"] == pytest.approx(12 * 8 / 1000)


def test_what_a_reader_made_is_never_written(tmp_path, ct):
    folder = tmp_path / "corrections"
    folder.mkdir()
    files = [
        save(labels(), folder / "P07.nii.gz"),
        save(labels(), tmp_path / "given.nii.gz", (1, 0, 0)),
    ]
    for file in files:
        file.chmod(0o444)
    before = [(file.read_bytes(), file.stat().st_mtime_ns) for file in files]
    final_mask("P07", ct, image_of(labels()), files[1], folder, LABELS)
    final_mask("P07", ct, image_of(labels()), files[1], tmp_path / "none", LABELS)
    assert [(file.read_bytes(), file.stat().st_mtime_ns) for file in files] == before
    assert sorted(p.name for p in tmp_path.rglob("*")) == [
        "P07.nii.gz",
        "corrections",
        "given.nii.gz",
    ]


def test_two_corrections_of_one_patient_are_refused(tmp_path):
    assert find_correction(tmp_path / "none", "P07") is None
    save(labels(), tmp_path / "P07.nii.gz")
    save(labels(), tmp_path / "P070.nii.gz")
    assert find_correction(tmp_path, "P07").name == "P07.nii.gz"
    (tmp_path / "P07.seg.nrrd").touch()
    with refused("two corrected masks", "Keep one"):
        find_correction(tmp_path, "P07")


def test_a_patient_without_any_mask_is_refused(ct, tmp_path):
    with refused("no mask"):
        final_mask("P07", ct, None, None, tmp_path, LABELS)


def test_dice_of_nothing_is_unknown():
    empty = np.zeros(4, bool)
    assert dice(empty, empty) is None
    assert dice(empty, ~empty) == 0


# ---- geometry


def test_a_mask_on_another_grid_is_resampled_and_that_is_recorded(tmp_path, ct):
    whole = sitk.GetArrayFromImage(image_of(labels()))
    path = save(whole[1:9, 2:18, 2:16], tmp_path / "crop.nii.gz", (2.2, 4.0, 4.0))
    mask, record = final_mask("P07", ct, None, path, tmp_path, LABELS)
    assert record["geometry"] == "resampled"
    assert (sitk.GetArrayFromImage(mask) == labels()).all()


def test_a_mask_on_some_of_the_cts_voxels_is_on_its_grid(tmp_path, ct):
    whole = sitk.GetArrayFromImage(image_of(labels()))
    path = save(whole[1:9, 2:18, 2:16], tmp_path / "crop.nii.gz", (2.0, 4.0, 4.0))
    mask, record = final_mask("P07", ct, None, path, tmp_path, LABELS)
    assert record["geometry"] == "equal"
    assert (sitk.GetArrayFromImage(mask) == labels()).all()


def test_a_mask_of_another_scan_is_refused(tmp_path, ct):
    with refused("outside the CT", "Give the mask drawn on this CT"):
        path = save(labels(), tmp_path / "m.nii.gz", (0, 0, 300))
        final_mask("P07", ct, None, path, tmp_path, LABELS)


def test_a_mask_that_does_not_lie_on_the_liver_is_refused(tmp_path, ct):
    with refused("median under the liver", "-900 HU"):
        path = save(labels()[:, ::-1, ::-1], tmp_path / "m.nii.gz")
        final_mask(
            "P07", image_of(np.full((10, 20, 20), -900, np.int16)), None, path, tmp_path, LABELS
        )


# ---- labels


def test_a_mask_without_liver_is_refused_whoever_made_it(tmp_path, ct):
    only_lesion = labels() * (labels() == 2)
    with refused("the given mask has no liver"):
        path = save(only_lesion, tmp_path / "m.nii.gz")
        final_mask("P07", ct, None, path, tmp_path, LABELS)
    with refused("the automatic mask has no liver"):
        final_mask("P07", ct, image_of(only_lesion), None, tmp_path, LABELS)


def test_unknown_values_are_refused_by_number_and_key(tmp_path, ct):
    array = labels()
    array[0, 0, :2] = 7, 9
    path = save(array, tmp_path / "m.nii.gz")
    with refused("label values 7, 9", "`masks.labels`"):
        final_mask("P07", ct, None, path, tmp_path, LABELS)
    for ignore in ([7, 9], "all"):
        mask, _ = final_mask("P07", ct, None, path, tmp_path, {**LABELS, "ignore": ignore})
        assert (sitk.GetArrayFromImage(mask) == labels()).all()


def test_values_may_be_named_otherwise_and_in_lists(tmp_path):
    array = np.choose(labels(), [0, 5, 11]).astype(np.int16)
    array[7] = np.where(array[7] == 5, 6, array[7])
    path = save(array, tmp_path / "m.nrrd")
    mask = read_mask(path, "P07", {"liver": [5, 6], "lesion": 11})
    assert (sitk.GetArrayFromImage(mask) == labels()).all()


@pytest.mark.parametrize("value", [1.5, np.nan], ids=["fraction", "NaN"])
@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd"])
def test_fractions_and_nan_are_no_labels(tmp_path, value, suffix):
    array = labels().astype(np.float32)
    path = save(array, tmp_path / f"whole.{suffix}")
    assert (sitk.GetArrayFromImage(read_mask(path, "P07", LABELS)) == labels()).all()
    array[0, 0, 0] = value
    if suffix == "nrrd":
        save(array, path)
    else:
        nibabel.save(nibabel.Nifti1Image(array.T, np.diag([*SPACING, 1])), path)
    with refused("NaN|fractions"):
        read_mask(path, "P07", LABELS)


def test_a_missing_damaged_or_foreign_file_is_refused(tmp_path):
    with refused("does not exist"):
        read_mask(tmp_path / "m.nii.gz", "P07", LABELS)
    path = save(labels(), tmp_path / "m.nii.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with refused("damaged or cut short"):
        read_mask(path, "P07", LABELS)
    (tmp_path / "seg.dcm").write_bytes(b"\0" * 128 + b"DICM")
    with refused("seg.dcm cannot be read as a DICOM segmentation", "Export it again"):
        read_mask(tmp_path / "seg.dcm", "P07", LABELS)
    (tmp_path / "mask.txt").write_text("1 2 3" * 99)
    with refused("neither NIfTI nor NRRD", "Convert"):
        read_mask(tmp_path / "mask.txt", "P07", LABELS)


# ---- 3D Slicer


def test_segments_go_by_name_in_one_layer(tmp_path):
    array = np.choose(labels(), [0, 4, 3]).astype(np.uint8)
    path = segmented(tmp_path / "m.seg.nrrd", [array], [("Liver tumour 1", 0, 3), ("liver", 0, 4)])
    mask = read_mask(path, "P07", LABELS)
    assert (sitk.GetArrayFromImage(mask) == labels()).all()
    assert mask.GetSpacing() == SPACING


def test_overlapping_segments_in_two_layers_leave_the_lesion_on_top(tmp_path, ct):
    layers = [(labels() > 0).astype(np.uint8), (labels() == 2).astype(np.uint8)]
    segments = [("Metastasis", 1, 1), ("Liver", 0, 1)]
    path = segmented(tmp_path / "P07.seg.nrrd", layers, segments)
    mask, record = final_mask("P07", ct, None, None, tmp_path, LABELS)
    assert record["file"] == path.name and record["geometry"] == "equal"
    assert (sitk.GetArrayFromImage(mask) == labels()).all()


def test_segments_of_other_names_are_refused_by_name_unless_ignored(tmp_path):
    array = labels()
    array[0] = 3
    segments = [("liver", 0, 1), ("Lesions", 0, 2), ("spleen", 0, 3)]
    path = segmented(tmp_path / "m.seg.nrrd", [array], segments)
    with refused("spleen", "Rename"):
        read_mask(path, "P07", LABELS)
    for ignore in (["spleen"], [3], "all"):
        mask = read_mask(path, "P07", {**LABELS, "ignore": ignore})
        assert (sitk.GetArrayFromImage(mask)[1:] == labels()[1:]).all()


def test_segments_nobody_named_go_by_their_values(tmp_path):
    path = segmented(
        tmp_path / "m.seg.nrrd", [labels()], [("Segment_1", 0, 1), ("Segment_2", 0, 2)]
    )
    assert (sitk.GetArrayFromImage(read_mask(path, "P07", LABELS)) == labels()).all()


# ---- the picture


@pytest.mark.parametrize("axes", ["LPS", "RAI", "SRA"])
def test_the_picture_shows_right_on_the_left_and_anterior_on_top_on_any_grid(tmp_path, axes):
    hu = np.full((10, 40, 40), 0, np.int16)
    array = np.zeros(hu.shape, np.uint8)
    array[:, 5:15, 25:35] = 1  # in LPS: anterior, left
    hu[array == 1] = 400
    volumes = [sitk.DICOMOrient(image_of(v), axes) for v in (hu, array)]
    draw_overlay(*volumes, None, tmp_path / "review.png", "P07")
    picture = imread(tmp_path / "review.png")[..., :3]
    rows, columns = picture.shape[0] // 3, picture.shape[1] // 5  # the tiles but for the title
    tile = picture[-rows + 20 :, :columns].mean(axis=-1) > 0.9
    y, x = np.argwhere(tile).mean(axis=0)
    assert x > columns / 2 and y < tile.shape[0] / 2


def test_the_picture_outlines_dropped_lesions_in_a_colour_of_their_own(tmp_path, ct):
    mask = image_of(labels())
    kept = sitk.Cast(mask == 2, sitk.sitkUInt16)
    seen = []
    for name, numbers in [("kept", kept), ("dropped", kept * 0), ("none", None)]:
        draw_overlay(ct, mask, numbers, tmp_path / name, "P07")
        picture = imread(tmp_path / name, format="png")[..., :3]
        pink = np.abs(picture - np.array([255, 79, 163]) / 255).max(axis=-1) < 0.1
        orange = np.abs(picture - np.array([255, 176, 0]) / 255).max(axis=-1) < 0.1
        seen.append((bool(orange.any()), bool(pink.any())))
    assert seen == [(True, False), (False, True), (True, False)]


def test_the_picture_is_the_same_file_each_time(tmp_path, ct):
    for name in ("a", "b"):
        draw_overlay(ct, image_of(labels()), None, tmp_path / name, "P07")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
