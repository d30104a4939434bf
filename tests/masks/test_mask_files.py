"""Masks of any program become one label map, or are refused by what nobody declared."""

import gzip

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_and_mask, liver_labels, refused_patient
from helpers.images import image_of
from livermets.imaging.geometry import onto_grid
from livermets.masks.dicom_seg import write_dicom_seg
from livermets.masks.dicom_seg_source import export_source
from livermets.masks.final_mask import final_mask
from livermets.masks.labels import LABEL_VALUES, Label
from livermets.masks.mask_files import MaskSegment, read_mask
from livermets.masks.seg_nrrd import write_seg_nrrd

SPACING = (1.0, 2.0, 4.0)


def mask_of(array: np.ndarray, origin=(0.0, 0.0, 0.0)) -> sitk.Image:
    return image_of(array, SPACING, origin)


def save(array: np.ndarray, path, origin=(0.0, 0.0, 0.0)):
    sitk.WriteImage(mask_of(array, origin), path)
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


def test_values_may_be_named_otherwise_and_in_lists(tmp_path):
    array = np.choose(liver_labels(), [0, 5, 11]).astype(np.int16)
    array[7] = np.where(array[7] == 5, 6, array[7])
    path = save(array, tmp_path / "m.nrrd")
    mask = read_mask(path, "P07", {"liver": [5, 6], "lesion": 11})
    assert (sitk.GetArrayFromImage(mask) == liver_labels()).all()


@pytest.mark.parametrize("value", [1.5, np.nan], ids=["fraction", "nan"])
@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd"])
def test_fractions_and_nan_are_no_labels(tmp_path, value, suffix):
    array = liver_labels().astype(np.float32)
    path = save(array, tmp_path / f"whole.{suffix}")
    assert (sitk.GetArrayFromImage(read_mask(path, "P07", LABEL_VALUES)) == liver_labels()).all()
    array[0, 0, 0] = value
    if suffix == "nrrd":
        save(array, path)
    else:
        nibabel.save(nibabel.Nifti1Image(array.T, np.diag([*SPACING, 1])), path)
    with refused_patient("NaN"):
        read_mask(path, "P07", LABEL_VALUES)


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd"])
def test_a_map_of_probabilities_is_cut_at_a_half(tmp_path, caplog, suffix):
    share = np.choose(liver_labels(), [0.01, 0.5, 0.499]).astype(np.float32)
    mask = read_mask(save(share, tmp_path / f"m.{suffix}"), "P07", LABEL_VALUES)
    assert np.array_equal(sitk.GetArrayFromImage(mask), liver_labels() == 1)
    assert "voxels from 0.5 on are mask" in caplog.text


def test_a_missing_damaged_or_foreign_file_is_refused(tmp_path):
    with refused_patient("does not exist"):
        read_mask(tmp_path / "m.nii.gz", "P07", LABEL_VALUES)
    path = save(liver_labels(), tmp_path / "m.nii.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with refused_patient("damaged or cut short"):
        read_mask(path, "P07", LABEL_VALUES)
    (tmp_path / "seg.dcm").write_bytes(b"\0" * 128 + b"DICM")
    with refused_patient("seg.dcm cannot be read as a DICOM segmentation", "Export it again"):
        read_mask(tmp_path / "seg.dcm", "P07", LABEL_VALUES)
    (tmp_path / "mask.txt").write_text("1 2 3" * 99)
    with refused_patient("neither NIfTI nor NRRD", "Convert"):
        read_mask(tmp_path / "mask.txt", "P07", LABEL_VALUES)


def test_a_ct_in_place_of_its_mask_is_called_an_image(tmp_path):
    hu = np.random.default_rng(0).normal(0, 60, (10, 20, 20)).astype(np.int16)
    with refused_patient("different values, from -", "an image, and no mask", "not the CT"):
        read_mask(save(hu, tmp_path / "ct.nii.gz"), "P07", LABEL_VALUES)


def test_segments_go_by_name_in_one_layer(tmp_path):
    array = np.choose(liver_labels(), [0, 4, 3]).astype(np.uint8)
    path = segmented(tmp_path / "m.seg.nrrd", [array], [("Liver tumour 1", 0, 3), ("liver", 0, 4)])
    mask = read_mask(path, "P07", LABEL_VALUES)
    assert (sitk.GetArrayFromImage(mask) == liver_labels()).all()
    assert mask.GetSpacing() == SPACING


NAMES = {
    Label.LIVER: [
        "healthy liver (no tumor)", "Liver without any lesions", "non-tumoral liver",
        "tumour-free liver", "liver_no_mets", "Liver minus tumors", "peritumoral liver",
        "Leber (liver) ohne Metastasen",
    ],
    Label.LESION: [
        "Liver tumour 1", "liver_mets", "lesion", "Metastasis, not biopsied", "tumor (no contrast)",
    ],
    Label.BACKGROUND: ["spleen", "no lesion", "spleen without metastases", "comets"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "label"), [(name, label) for label, names in NAMES.items() for name in names]
)
def test_a_name_that_says_without_tumour_is_no_lesion(name, label):
    assert MaskSegment(name, 1, 0).label == label


def test_segments_of_other_names_are_refused_by_name_unless_ignored(tmp_path):
    array = liver_labels()
    array[0] = 3
    segments = [("liver", 0, 1), ("Lesions", 0, 2), ("spleen", 0, 3)]
    path = segmented(tmp_path / "m.seg.nrrd", [array], segments)
    with refused_patient("spleen", "Rename"):
        read_mask(path, "P07", LABEL_VALUES)
    for ignore in (["spleen"], [3], "all"):
        mask = read_mask(path, "P07", {**LABEL_VALUES, "ignore": ignore})
        assert (sitk.GetArrayFromImage(mask)[1:] == liver_labels()[1:]).all()


def overlapping(path, names):
    """Liver and lesion in two layers that both use the value 1."""
    layers = [(liver_labels() > 0).astype(np.uint8), (liver_labels() == 2).astype(np.uint8)]
    return segmented(path, layers, [(names[0], 0, 1), (names[1], 1, 1)])


@pytest.mark.parametrize(
    "names", [("Segment_1", "Segment_2"), ("parenchyma", "M1")], ids=["of 3D Slicer", "unknown"]
)
def test_segments_of_unknown_names_are_refused_by_layer_and_value_until_they_are_mapped(
    tmp_path, names
):
    path = overlapping(tmp_path / "m.seg.nrrd", names)
    with refused_patient(
        f'"{names[0]}" (layer 0, value 1), "{names[1]}" (layer 1, value 1)', "masks.labels"
    ):
        read_mask(path, "P07", {**LABEL_VALUES, "ignore": "all"})
    mask = read_mask(path, "P07", {"liver": names[0], "lesion": [2, names[1]]})
    assert (sitk.GetArrayFromImage(mask) == liver_labels()).all()


def test_unknown_names_in_one_layer_are_refused_too(tmp_path):
    path = segmented(tmp_path / "m.seg.nrrd", [liver_labels()], [("spleen", 0, 1), ("x", 0, 2)])
    with refused_patient('"spleen" (layer 0, value 1)', "Rename"):
        read_mask(path, "P07", LABEL_VALUES)


def test_a_name_in_the_configuration_goes_before_what_the_name_says(tmp_path):
    array = np.where(liver_labels() == 2, 3, liver_labels()).astype(np.uint8)
    array[0] = 2
    segments = [("liver", 0, 1), ("kidney tumour", 0, 2), ("old metastasis bed", 0, 3)]
    path = segmented(tmp_path / "m.seg.nrrd", [array], segments)
    mask = read_mask(
        path, "P07", {"liver": ["old metastasis bed", 1], "lesion": 2, "ignore": ["kidney tumour"]}
    )
    assert (sitk.GetArrayFromImage(mask) == (liver_labels() > 0)).all()


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd"])
def test_a_one_hot_mask_without_names_is_refused(tmp_path, suffix):
    layers = [(liver_labels() == value).astype(np.uint8) for value in (1, 2)]
    sitk.WriteImage(sitk.Compose([mask_of(layer) for layer in layers]), tmp_path / f"m.{suffix}")
    with refused_patient("2 layers without names", "value 1", "one label map"):
        read_mask(tmp_path / f"m.{suffix}", "P07", LABEL_VALUES)


def test_layers_without_names_are_read_where_each_has_values_of_its_own(tmp_path):
    layers = [(liver_labels() > 0).astype(np.uint8), ((liver_labels() == 2) * 2).astype(np.uint8)]
    sitk.WriteImage(sitk.Compose([mask_of(layer) for layer in layers]), tmp_path / "m.nrrd")
    mask = read_mask(tmp_path / "m.nrrd", "P07", LABEL_VALUES)
    assert (sitk.GetArrayFromImage(mask) == liver_labels()).all()


def test_segments_nobody_named_go_by_their_values(tmp_path):
    path = segmented(
        tmp_path / "m.seg.nrrd", [liver_labels()], [("Segment_1", 0, 1), ("Segment_2", 0, 2)]
    )
    assert (sitk.GetArrayFromImage(read_mask(path, "P07", LABEL_VALUES)) == liver_labels()).all()


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
        write_dicom_seg(mask, export_source(mask, "ab" * 32, "P1"), "automatic", path)
    back, geometry = onto_grid(read_mask(path, "P1", LABEL_VALUES), ct, "P1")
    assert geometry == "equal"  # also where DICOM keeps the slices with something on them alone
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(mask))


def test_overlapping_segments_in_two_layers_leave_the_lesion_on_top(tmp_path):
    layers = [(liver_labels() > 0).astype(np.uint8), (liver_labels() == 2).astype(np.uint8)]
    segments = [("Metastasis", 1, 1), ("Liver", 0, 1)]
    path = segmented(tmp_path / "P07.seg.nrrd", layers, segments)
    ct = mask_of(np.where(liver_labels() > 0, 100, -900).astype(np.int16))
    mask, record = final_mask("P07", ct, None, None, tmp_path, LABEL_VALUES)
    assert record["file"] == path.name
    assert record["geometry"] == "equal"
    assert (sitk.GetArrayFromImage(mask) == liver_labels()).all()
