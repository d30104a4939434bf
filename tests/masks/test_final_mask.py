"""Which mask the study uses, what its record says, and which masks are refused."""

import hashlib
import json
import tarfile

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_and_mask, edited, liver_labels, refused_patient
from helpers.images import image_of
from livermets.core.errors import BadPatient
from livermets.imaging.ct import import_ct
from livermets.imaging.geometry import onto_grid
from livermets.masks.dicom_seg import write_dicom_seg
from livermets.masks.dicom_seg_source import export_source
from livermets.masks.final_mask import dice, final_mask, mask_before_correction, read_automatic
from livermets.masks.labels import LABEL_VALUES
from livermets.masks.plausibility import refuse_implausible
from livermets.masks.seg_nrrd import write_seg_nrrd
from livermets.study.corrections import find_correction, find_sidecar


def mask_of(array: np.ndarray, origin=(0.0, 0.0, 0.0)) -> sitk.Image:
    return image_of(array, (1.0, 2.0, 4.0), origin)


@pytest.fixture
def ct() -> sitk.Image:
    hu = np.where(liver_labels() > 0, 100, -900).astype(np.int16)
    return mask_of(hu)


def save(array: np.ndarray, path, origin=(0.0, 0.0, 0.0)):
    sitk.WriteImage(mask_of(array, origin), path)
    return path


def test_a_correction_comes_before_the_given_mask_and_that_before_the_automatic(tmp_path, ct):
    automatic, given, corrected = liver_labels(), liver_labels(), liver_labels()
    given[3:5, 6:8, 5:8] = 1
    corrected[3:5, 6:8, 5:7] = 1
    folder = tmp_path / "corrections"
    folder.mkdir()
    path = save(given, tmp_path / "given.nii.gz")
    arguments = ("P07", ct, mask_of(automatic))
    _, record = final_mask(*arguments, None, folder, LABEL_VALUES)
    assert record["source"] == "automatic"
    assert record["by_models"]
    assert record["file"] is None
    assert record["dice_liver"] == 1
    assert record["dice_lesion"] == 1
    mask, record = final_mask(*arguments, path, folder, LABEL_VALUES)
    assert record["source"] == "given"
    assert record["file"] == "given.nii.gz"
    assert record["dice_liver"] == 1
    assert record["dice_lesion"] == 0
    assert not record["by_models"]
    save(corrected, folder / "P07.nrrd")
    mask, record = final_mask(*arguments, path, folder, LABEL_VALUES)
    assert record["source"] == "corrected"
    assert not record["by_models"]  # but of the given mask
    assert final_mask(*arguments, None, folder, LABEL_VALUES)[1]["by_models"]
    assert record["file"] == "P07.nrrd"
    assert (sitk.GetArrayFromImage(mask) == corrected).all()
    assert record["dice_lesion"] == pytest.approx(2 * 4 / (4 + 12), abs=1e-6)
    assert record["sha256"] == hashlib.sha256((folder / "P07.nrrd").read_bytes()).hexdigest()


def test_volumes_are_those_of_the_labels(ct, tmp_path):
    _, record = final_mask("P07", ct, mask_of(liver_labels()), None, tmp_path, LABEL_VALUES)
    assert record["liver_ml"] == pytest.approx(480 * 8 / 1000)
    assert record["lesion_ml"] == pytest.approx(12 * 8 / 1000)


def test_what_a_reader_made_is_never_written(tmp_path, ct):
    folder = tmp_path / "corrections"
    folder.mkdir()
    files = [
        save(liver_labels(), folder / "P07.nii.gz"),
        save(liver_labels(), tmp_path / "given.nii.gz", (0.2, 0, 0)),
    ]
    for file in files:
        file.chmod(0o444)
    before = [(file.read_bytes(), file.stat().st_mtime_ns) for file in files]
    final_mask("P07", ct, mask_of(liver_labels()), files[1], folder, LABEL_VALUES)
    final_mask("P07", ct, mask_of(liver_labels()), files[1], tmp_path / "none", LABEL_VALUES)
    assert [(file.read_bytes(), file.stat().st_mtime_ns) for file in files] == before
    assert sorted(p.name for p in tmp_path.rglob("*")) == [
        "P07.nii.gz",
        "corrections",
        "given.nii.gz",
    ]


def test_two_corrections_of_one_patient_are_refused(tmp_path):
    assert find_correction(tmp_path / "none", "P07") is None
    save(liver_labels(), tmp_path / "P07.nii.gz")
    save(liver_labels(), tmp_path / "P070.nii.gz")
    assert find_correction(tmp_path, "P07").name == "P07.nii.gz"
    (tmp_path / "P07.seg.nrrd").touch()
    with refused_patient("two corrected masks", "Keep one"):
        find_correction(tmp_path, "P07")


def test_a_patient_without_any_mask_is_refused(ct, tmp_path):
    with refused_patient("no mask"):
        final_mask("P07", ct, None, None, tmp_path, LABEL_VALUES)


def test_dice_of_nothing_is_unknown():
    empty = np.zeros(4, bool)
    assert dice(empty, empty) is None
    assert dice(empty, ~empty) == 0


def test_a_mask_on_another_grid_is_resampled_and_that_is_recorded(tmp_path, ct):
    whole = sitk.GetArrayFromImage(mask_of(liver_labels()))
    path = save(whole[1:9, 2:18, 2:16], tmp_path / "crop.nii.gz", (2.2, 4.0, 4.0))
    mask, record = final_mask("P07", ct, None, path, tmp_path, LABEL_VALUES)
    assert record["geometry"] == "resampled"
    assert (sitk.GetArrayFromImage(mask) == liver_labels()).all()


def test_a_mask_on_some_of_the_cts_voxels_is_on_its_grid(tmp_path, ct):
    whole = sitk.GetArrayFromImage(mask_of(liver_labels()))
    path = save(whole[1:9, 2:18, 2:16], tmp_path / "crop.nii.gz", (2.0, 4.0, 4.0))
    mask, record = final_mask("P07", ct, None, path, tmp_path, LABEL_VALUES)
    assert record["geometry"] == "equal"
    assert (sitk.GetArrayFromImage(mask) == liver_labels()).all()


def test_a_mask_of_another_scan_is_refused(tmp_path, ct):
    with refused_patient("outside the CT", "Give the mask drawn on this CT"):
        path = save(liver_labels(), tmp_path / "m.nii.gz", (0, 0, 300))
        final_mask("P07", ct, None, path, tmp_path, LABEL_VALUES)


def test_a_mask_that_does_not_lie_on_the_liver_is_refused(tmp_path, ct):
    with refused_patient("under the liver of the given mask", "a median of -900 HU"):
        path = save(liver_labels()[:, ::-1, ::-1], tmp_path / "m.nii.gz")
        final_mask(
            "P07",
            mask_of(np.full((10, 20, 20), -900, np.int16)),
            None,
            path,
            tmp_path,
            LABEL_VALUES,
        )


def test_a_mask_without_liver_is_refused_whoever_made_it(tmp_path, ct):
    only_lesion = liver_labels() * (liver_labels() == 2)
    with refused_patient("the given mask has no liver"):
        path = save(only_lesion, tmp_path / "m.nii.gz")
        final_mask("P07", ct, None, path, tmp_path, LABEL_VALUES)
    with refused_patient("the automatic mask has no liver", "no model found one", "portal venous"):
        final_mask("P07", ct, mask_of(only_lesion), None, tmp_path, LABEL_VALUES)


def test_a_mask_whose_liver_and_lesion_were_exchanged_is_refused_unless_it_is_meant(tmp_path, ct):
    exchanged = np.choose(liver_labels(), [0, 2, 1]).astype(np.uint8)
    path = save(exchanged, tmp_path / "m.nii.gz")
    with refused_patient("98% of the liver of the given mask is lesion", "`masks.labels`"):
        final_mask("P07", ct, None, path, None, LABEL_VALUES)
    mask, _ = final_mask("P07", ct, None, path, None, {"liver": 2, "lesion": 1})
    assert (sitk.GetArrayFromImage(mask) == liver_labels()).all()
    _, record = final_mask("P07", ct, None, path, None, LABEL_VALUES, accepted=True)
    assert record["lesion_ml"] > record["liver_ml"] / 2


def test_unknown_values_are_refused_by_number_and_key(tmp_path, ct):
    array = liver_labels()
    array[0, 0, :2] = 7, 9
    path = save(array, tmp_path / "m.nii.gz")
    with refused_patient("label values 7, 9", "`masks.labels`"):
        final_mask("P07", ct, None, path, tmp_path, LABEL_VALUES)
    for ignore in ([7, 9], "all"):
        mask, _ = final_mask("P07", ct, None, path, tmp_path, {**LABEL_VALUES, "ignore": ignore})
        assert (sitk.GetArrayFromImage(mask) == liver_labels()).all()


def corrected(folder, kind, mask):
    path = folder / f"P1{kind}"
    if kind == ".dcm":
        write_dicom_seg(mask, export_source(mask, "cd" * 32, "P1"), "automatic", path)
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
    final, record = final_mask("P1", ct, automatic, None, tmp_path, LABEL_VALUES)
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
        final_mask("P1", ct, mask, None, tmp_path, LABEL_VALUES)


def test_the_empty_file_of_a_failed_segmentation_is_refused(tmp_path):
    (tmp_path / "P07.nii.gz").touch()
    with refused_patient("the segmentation failed", "delete", "give a mask"):
        read_automatic(tmp_path / "P07.nii.gz", "P07")
    path = save(liver_labels(), tmp_path / "P08.nii.gz")
    assert (sitk.GetArrayFromImage(read_automatic(path, "P08")) == liver_labels()).all()


FLIPS = {"head to foot": 0, "front to back": 1, "left to right": 2}


@pytest.mark.parametrize("axis", FLIPS.values(), ids=FLIPS.keys())
def test_a_mask_laid_on_in_reverse_is_refused_unless_it_is_meant(tmp_path, real_data, axis):
    """On the CT of a liver donor; its own mask is taken."""
    archive = real_data / "chaos_set3/dicom.tar.gz"
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    ct, _ = import_ct(tmp_path / "DICOM_anon", "P07")
    mask = sitk.ReadImage(str(real_data / "chaos_set3/liver_gt.nii.gz")) > 0
    sides = [axis == side for side in (2, 1, 0)]
    reverse = sitk.Flip(mask, sides)
    reverse.CopyInformation(mask)
    refuse_implausible(ct, onto_grid(mask, ct, "P07")[0], "P07", "given mask")
    with refused_patient("given mask", "below -100 HU", "masks.accept_implausible"):
        refuse_implausible(ct, onto_grid(reverse, ct, "P07")[0], "P07", "given mask")
    refuse_implausible(ct, onto_grid(reverse, ct, "P07")[0], "P07", "given mask", accepted=True)


def test_a_mask_that_is_meant_although_no_liver_looks_like_it_is_taken_and_logged(
    tmp_path, ct, caplog
):
    path = save(liver_labels()[:, :, ::-1], tmp_path / "m.nii.gz")
    with refused_patient("under the liver of the given mask", "as no liver has"):
        final_mask("P07", ct, None, path, None, LABEL_VALUES)
    _, record = final_mask("P07", ct, None, path, None, LABEL_VALUES, accepted=True)
    assert record["source"] == "given"
    assert "accepted by `masks.accept_implausible`" in caplog.text


@pytest.mark.parametrize("shift", [0.5, 0.45, -0.5, 3.5], ids=str)
def test_a_mask_between_the_voxels_of_the_ct_is_refused(tmp_path, ct, shift):
    path = save(liver_labels(), tmp_path / "m.nii.gz", (0, 2 * shift, 0))
    with refused_patient("between the voxels of the CT", "voxels off", "origin of the CT"):
        final_mask("P07", ct, None, path, None, LABEL_VALUES, accepted=True)


def test_the_grid_that_a_mask_is_resampled_from_is_recorded(tmp_path, ct):
    path = save(liver_labels(), tmp_path / "m.nii.gz", (0.2, 0, 0))
    _, record = final_mask("P07", ct, None, path, None, LABEL_VALUES)
    assert record["original_grid"] == "20×20×10 of 1×2×4 mm from (0.2, 0.0, 0.0)"
    path = save(liver_labels(), tmp_path / "m.nii.gz")
    assert final_mask("P07", ct, None, path, None, LABEL_VALUES)[1]["original_grid"] is None


def test_how_a_given_mask_was_drawn_is_what_its_file_or_the_user_says(tmp_path):
    ct, mask = ct_and_mask()
    plain = tmp_path / "m.nii.gz"
    sitk.WriteImage(mask, str(plain))
    seg = tmp_path / "m.dcm"
    write_dicom_seg(mask, export_source(mask, "ab" * 32, "P07"), "automatic", seg)

    def drawn(path, given_type=None):
        arguments = (None, path, None, LABEL_VALUES)
        return final_mask("P07", ct, *arguments, given_type=given_type)[1]["drawn"]

    assert [drawn(plain), drawn(plain, "manual")] == [None, "manual"]
    assert [drawn(seg), drawn(seg, "manual")] == ["automatic", "automatic"]


def test_the_mask_before_correction_is_the_given_one_and_else_the_automatic(tmp_path, ct):
    given = liver_labels()
    given[3:5, 6:8, 5:8] = 1
    path = save(given, tmp_path / "given.nii.gz")
    before = mask_before_correction("P07", ct, mask_of(liver_labels()), path, LABEL_VALUES)
    assert (sitk.GetArrayFromImage(before) == given).all()
    before = mask_before_correction("P07", ct, mask_of(liver_labels()), None, LABEL_VALUES)
    assert (sitk.GetArrayFromImage(before) == liver_labels()).all()
    assert mask_before_correction("P07", ct, None, None, LABEL_VALUES) is None


def test_a_mask_that_was_refused_before_its_correction_gives_no_numbers(tmp_path, ct, caplog):
    path = save(liver_labels()[:, :, ::-1], tmp_path / "m.nii.gz")
    arguments = ("P07", ct, None, path, LABEL_VALUES)
    assert mask_before_correction(*arguments) is None
    assert "accepted" not in caplog.text
    assert mask_before_correction(*arguments, accepted=True) is not None
