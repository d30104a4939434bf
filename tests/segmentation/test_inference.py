"""Segmentation: the shipped model, geometry, the chain, and models that are refused."""

import json
import os

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from helpers.segmentation import (
    DEMO_CONFIG,
    DEMO_MODEL,
    arrays,
    demo_model,
    demo_phantom,
    dice,
    segment,
)
from livermets.core.devices import pick_device
from livermets.core.errors import BadInput
from livermets.segmentation import inference, model_chain
from livermets.segmentation.inference import segment_files
from livermets.segmentation.model_archive import hash_model, model_folder
from livermets.segmentation.model_chain import ChainedModel, Crop, load_chain
from livermets.segmentation.prediction import Prediction
from scipy import ndimage

# --- the shipped model -------------------------------------------------------------------------


def test_the_shipped_model_is_the_one_the_demo_names_and_small():
    (named,) = DEMO_CONFIG["segmentation"]["models"]
    assert named["sha256"] == hash_model(DEMO_MODEL)
    assert DEMO_MODEL.stat().st_size <= 5_000_000


def test_the_shipped_model_carries_no_optimiser_state_and_no_paths(tmp_path):
    folder = model_folder(DEMO_MODEL, hash_model(DEMO_MODEL), tmp_path)
    checkpoint = torch.load(folder / "fold_0/checkpoint_final.pth", weights_only=True)
    assert set(checkpoint) == {
        "network_weights",
        "init_args",
        "trainer_name",
        "inference_allowed_mirroring_axes",
    }
    assert not [n for n in folder.rglob("*.json") if "/tmp" in n.read_text()]


def test_the_shipped_model_finds_liver_and_lesions_of_an_unseen_phantom(tmp_path):
    ct, truth = demo_phantom()
    found = segment(ct, [demo_model()], mirroring=False, cache_dir=tmp_path, threads=1)
    mask, truth = arrays(found, truth)
    assert dice(mask > 0, truth > 0) > 0.95
    assert dice(mask == 2, truth == 2) > 0.7
    labelled, number = ndimage.label(truth == 2, np.ones((3, 3, 3)))
    hit = [k for k in range(1, number + 1) if (mask[labelled == k] == 2).any()]
    size = np.bincount(labelled.ravel())
    assert all(k in hit for k in range(1, number + 1) if size[k] * 2.5 * 2.5 * 3 > 300)  # mm3


# --- geometry ----------------------------------------------------------------------------------

FLIPPED = {
    "head first supine": (1, 0, 0, 0, 1, 0, 0, 0, 1),
    "feet first": (1, 0, 0, 0, 1, 0, 0, 0, -1),
    "x and y flipped": (-1, 0, 0, 0, -1, 0, 0, 0, 1),
    "coronal slices": (1, 0, 0, 0, 0, 1, 0, -1, 0),
}


@pytest.fixture(scope="module")
def small_ct():
    return demo_phantom(size=(24, 64, 64), spacing_mm=(4.0, 4.0, 5.0), lesions_per_class=None)[0]


@pytest.fixture(scope="module")
def reference(small_ct, tmp_path_factory):
    models = [demo_model()]
    return segment(
        small_ct, models, mirroring=False, cache_dir=tmp_path_factory.mktemp("m"), threads=1
    )


@pytest.mark.parametrize("direction", FLIPPED.values(), ids=FLIPPED.keys())
def test_the_mask_lies_on_the_cts_own_grid_and_is_the_same_however_the_ct_lies(
    small_ct, reference, direction, tmp_path
):
    order = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(direction)
    lying = sitk.DICOMOrient(small_ct, order)
    mask = segment(lying, [demo_model()], mirroring=False, cache_dir=tmp_path, threads=1)
    assert mask.GetSize() == lying.GetSize()
    assert mask.GetSpacing() == lying.GetSpacing()
    assert mask.GetOrigin() == lying.GetOrigin()
    assert mask.GetDirection() == lying.GetDirection()
    assert mask.GetPixelID() == sitk.sitkUInt8
    assert 0 < sitk.GetArrayViewFromImage(mask).max() <= 2
    assert np.array_equal(*arrays(sitk.DICOMOrient(mask, "LPS"), reference))


def test_an_oblique_ct_keeps_its_direction(small_ct, tmp_path):
    c, s = np.cos(0.2), np.sin(0.2)
    small_ct = sitk.Image(small_ct)
    small_ct.SetDirection((c, -s, 0, s, c, 0, 0, 0, -1))
    mask = segment(small_ct, [demo_model()], mirroring=False, cache_dir=tmp_path, threads=1)
    assert mask.GetDirection() == small_ct.GetDirection()
    assert mask.GetOrigin() == small_ct.GetOrigin()


def test_the_environment_is_left_as_it_was(reference):
    assert "nnUNet_results" not in os.environ


# --- the chain ---------------------------------------------------------------------------------


@pytest.fixture
def painted(monkeypatch, tmp_path):
    """Models that find what their rule says, and the regions they were shown."""
    shown = []

    def load(model, *_):
        def predict(ct, earlier):
            shown.append(ct.GetSize())
            labels = model["rule"](sitk.GetArrayFromImage(ct)).astype(np.uint16)
            probability = model.get("probability")
            return Prediction(labels, probability and np.full(labels.shape, probability))

        crop = model.get("crop")
        return ChainedModel(
            model["name"], predict, model["labels"], crop and Crop(**crop),
            model.get("only_locates", False),
        )  # fmt: skip

    monkeypatch.setattr(model_chain, "model_folder", lambda *_: tmp_path)
    monkeypatch.setattr(model_chain, "_load_nnunet", load)
    return shown


def chained(name, rule, labels, **more):
    return {"name": name, "path": "-", "sha256": "-", "rule": rule, "labels": labels, **more}


def block_ct():
    hu = np.full((20, 40, 40), -100, dtype=np.int16)
    hu[5:15, 10:30, 10:30] = 90  # the liver
    hu[8:11, 15:20, 15:20] = 45  # a lesion in it
    hu[0:2, 0:3, 0:3] = 45  # and the same far away
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing((1.0, 2.0, 5.0))
    return image, hu


def test_a_lesion_model_runs_inside_the_liver_and_its_margin_alone(painted):
    image, hu = block_ct()
    mask = segment(
        image,
        [
            chained("organs", lambda hu: 5 * (hu > 0), {"liver": 5}),
            chained("lesions", lambda hu: hu == 45, {"lesion": 1},
                    crop={"to": "liver", "margin_mm": 4}),
        ],
    )  # fmt: skip
    found = sitk.GetArrayFromImage(mask)
    assert painted[0] == (40, 40, 20)
    # The far block counts as liver for this rule: the box reaches from it to the liver's end,
    # 4 mm or 4 voxels in x, 2 in y and 1 in z further.
    assert painted[1] == (34, 32, 16)
    assert np.array_equal(found == 2, hu == 45)
    assert np.array_equal(found > 0, hu > 0)


def test_a_lesion_is_never_overwritten_by_a_later_models_liver(painted):
    image, hu = block_ct()
    mask = segment(
        image,
        [
            chained("lesions", lambda hu: hu == 45, {"lesion": 1}),
            chained("organs", lambda hu: np.where(hu > 0, 3, 7), {"liver": [3, 4]}),
        ],
    )
    assert np.array_equal(sitk.GetArrayFromImage(mask), np.where(hu == 45, 2, hu > 0))


def test_pieces_of_liver_beside_the_largest_are_forgotten_only_on_request(painted):
    image, hu = block_ct()
    hu[15:17, 30:34, 30:34] = 91  # the spleen, it touches the liver at a corner
    hu[15, 31, 31] = 45  # with what looks like a lesion
    image = sitk.GetImageFromArray(hu)
    models = [
        chained("both", lambda hu: np.where(hu == 45, 2, hu > 0), {"liver": 1, "lesion": 2}),
        chained("more", lambda hu: hu > 1000, {"lesion": 1}, crop={"to": "liver"}),
    ]
    kept = sitk.GetArrayFromImage(inference.segment(image, load_chain(models)).mask)
    assert (kept[15:17] > 0).sum() == 32
    chain = load_chain(models)
    forgotten = inference.segment(image, chain, keep_largest_liver=True).mask
    forgotten = sitk.GetArrayFromImage(forgotten)
    assert (forgotten == 1).sum() == (hu[5:15] == 90).sum()
    assert forgotten[15, 31, 31] == 2  # judged later, where lesions are split
    assert painted[-1][2] < painted[-3][2]


def test_without_a_liver_to_crop_to_the_next_model_is_not_run(painted, caplog):
    image, _ = block_ct()
    nothing = chained("organs", np.zeros_like, {"liver": 5})
    lesions = chained("lesions", np.ones_like, {"lesion": 1}, crop={"to": "liver"})
    mask = segment(image, [nothing, lesions])
    assert sitk.GetArrayFromImage(mask).max() == 0
    assert len(painted) == 1
    assert "lesions: no liver to crop to" in caplog.text


def test_a_model_that_only_locates_says_where_to_look_and_leaves_no_label(painted):
    image, hu = block_ct()
    rough = np.zeros_like(hu, bool)
    rough[6:12, 12:24, 14:22] = True
    models = [
        chained("liver", lambda hu: hu > 0, {"liver": 1}),
        chained("rough", lambda hu: rough, {"liver": 1}, only_locates=True),
        chained("lesions", lambda hu: hu == 45, {"lesion": 1}, crop={"to": "liver"}),
    ]
    found = sitk.GetArrayFromImage(segment(image, models))
    assert painted[-1] == (8, 12, 6)  # of the rough liver alone
    inside = (hu == 45) & rough
    assert np.array_equal(found == 2, inside)
    assert np.array_equal(found > 0, hu > 0)


def test_a_part_of_a_voxel_counts_in_a_margin_but_for_totalsegmentator():
    mask = np.zeros((9, 9, 9), np.uint8)
    mask[4, 4, 4] = 1
    spacing = (1.0, 3.0, 5.0)
    assert Crop("liver", 7).box(mask, spacing) == (slice(2, 7), slice(1, 8), slice(0, 9))
    down = Crop("liver", 7, round_down=True).box(mask, spacing)
    assert down == (slice(3, 6), slice(2, 7), slice(0, 9))


def test_the_probability_of_each_lesion_voxel_is_that_of_the_surest_model(painted):
    image, hu = block_ct()
    models = [
        chained("both", lambda hu: np.where(hu == 45, 2, hu > 0), {"liver": 1, "lesion": 2},
                probability=0.614),
        chained("more", lambda hu: np.arange(20)[:, None, None] * np.ones_like(hu) == 9,
                {"lesion": 1}, probability=0.9),
        chained("silent", lambda hu: hu == 90, {"liver": 1}),
    ]  # fmt: skip
    found = inference.segment(image, load_chain(models))
    mask, percent = arrays(*found)
    expected = np.where(hu == 45, 61, 0)
    expected[9] = 90
    assert np.array_equal(percent, expected)
    assert np.array_equal(percent > 0, mask == 2)


def test_of_patients_who_share_a_job_one_who_fails_does_not_take_the_others_down(
    painted, tmp_path, caplog
):
    image, hu = block_ct()
    for name in ("A", "B", "C", "D"):
        sitk.WriteImage(image, str(tmp_path / f"{name}.nii.gz"))
        out = {"stage": "import", "reason": "no CT"} if name == "B" else None
        (tmp_path / f"{name}.json").write_text(json.dumps({"excluded": out}))
    (tmp_path / "C.nii.gz").write_bytes(b"damaged")
    endings = ("nii.gz", "json", "out.nii.gz", "probability.nii.gz")
    files = [tuple(tmp_path / f"{name}.{ending}" for ending in endings) for name in "ABCD"]
    loaded = []

    def load():
        loaded.append(1)
        return load_chain([chained("organs", lambda hu: hu > 0, {"liver": 1})])

    failed = segment_files(files, load)
    assert failed == [tmp_path / "C.nii.gz"]
    assert len(loaded) == 1
    assert "C.nii.gz could not be segmented" in caplog.text
    assert "Traceback" in caplog.text
    for name, filled in zip("ABCD", (True, False, False, True), strict=True):
        out, probability = (tmp_path / f"{name}.{ending}" for ending in endings[2:])
        assert bool(out.stat().st_size) == bool(probability.stat().st_size) == filled
        if filled:
            assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(out))), hu > 0)
    with pytest.raises(RuntimeError):  # alone in its job: the job fails
        segment_files(files[2:3], load)


def test_where_every_patient_is_out_no_model_is_loaded(tmp_path):
    (tmp_path / "A.json").write_text('{"excluded": {"stage": "import", "reason": "-"}}')
    endings = ("nii.gz", "json", "out.nii.gz", "probability.nii.gz")
    files = [tuple(tmp_path / f"A.{ending}" for ending in endings)]
    assert segment_files(files, lambda: pytest.fail("loaded")) == []
    assert [file.stat().st_size for file in files[0][2:]] == [0, 0]


# --- wrong settings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"folds": [3]}, "no fold_3/checkpoint_final.pth.*fold_0/checkpoint_final.pth"),
        ({"checkpoint": "checkpoint_best.pth"}, "no fold_0/checkpoint_best.pth"),
        ({"labels": {"liver": 5}}, "maps liver to 5"),
        ({"labels": {"spleen": 1}}, "spleen"),
        ({"crop": {"to": "spleen"}}, "crop.to is 'spleen'"),
    ],
    ids=["folds", "checkpoint", "a label that is not there", "an unknown structure", "crop"],
)
def test_a_wrong_key_of_a_model_is_named(tmp_path, change, problem):
    with pytest.raises(BadInput, match=problem):
        segment(block_ct()[0], [demo_model(**change)], cache_dir=tmp_path)


def test_an_empty_chain_and_an_unknown_device_are_refused():
    with pytest.raises(BadInput, match="models is empty"):
        segment(block_ct()[0], [])
    with pytest.raises(BadInput, match="'tpu'"):
        pick_device("tpu", "segmentation.device")
