"""Occlusion: a planted cue is found where it was planted, and nowhere else."""

import numpy as np
import pytest
import torch
from helpers.planted_networks import bright_spot_state, disc, spotted
from livermets.deep_learning.densenet import Run, predict_split
from livermets.deep_learning.network import LesionNet
from livermets.explanation.network_study import look_at_lesions
from livermets.explanation.occlusion import occlude
from livermets.explanation.occlusion_effect import occlusion_effect
from livermets.predictions.task import Task

AB = Task(["a", "b"], "b")
SETTINGS = {"rim_share": 0.5, "examples": 2}
RUN = Run("cv1-fold1")


def scores(where, **changes):
    slices, labels = spotted(where, **changes)
    return look_at_lesions(bright_spot_state(), slices, labels, AB, RUN, SETTINGS).scores


@pytest.mark.parametrize(
    ("where", "blind"), [("rim", "rim"), ("inside", "inside")], ids=["at the rim", "inside"]
)
def test_the_auc_falls_to_chance_where_the_planted_cue_is_occluded(bright_spots, where, blind):
    table = occlusion_effect(scores(where, patients=20, per_lesion=1), ["a", "b"], "b")
    auc = table[table["level"] == "patient"].set_index("variant")["auc"]
    seeing = {"rim": "inside", "inside": "rim"}[blind]
    assert auc["as_is"] == auc[seeing] == 1
    assert [auc[blind], auc["silhouette"]] == pytest.approx([0.5, 0.5], abs=1e-12)
    row = table.set_index(["variant", "level"]).loc[blind, "patient"]
    assert row["difference"] == -0.5
    assert row["difference_high"] < 0
    assert row["n_patients"] == 20


def test_with_nothing_occluded_the_score_is_that_of_the_arm(bright_spots):
    slices, labels = spotted("rim")
    arm = predict_split(bright_spot_state(), slices, labels, sorted(labels), AB, RUN)
    whole = scores("rim").query("variant == 'as_is'")
    np.testing.assert_allclose(whole["score"], arm["score"], atol=1e-9)
    assert whole[["patient", "lesion"]].to_numpy().tolist() == (
        arm[["patient", "lesion"]].to_numpy().tolist()
    )


def test_a_silhouette_holds_the_outline_and_nothing_of_the_lesion(bright_spots):
    slices, _ = spotted("inside")
    network = LesionNet(120, 20, 2)
    masks = np.stack([disc()[None]] * 2)
    two = [network.prepare(torch.from_numpy(slices[p]["images"][:2])) for p in ("P0", "P1")]
    first, second = (occlude(prepared, masks, 0.5, surroundings=False) for prepared in two)
    for one, other in zip(first["silhouette"], second["silhouette"], strict=True):
        assert (one == other).all()
    bright, dark = (image[0, 0].numpy() for image in first["silhouette"])
    np.testing.assert_array_equal(bright, disc())
    np.testing.assert_array_equal(dark, -1.0 * disc())
    rim, inside = first["rim"][0][0, 0].numpy() != 0, first["inside"][0][0, 0].numpy() != 0
    assert not (rim & inside).any()
    assert set(first) == {"as_is", "rim", "inside", "silhouette"}


def test_where_the_surroundings_were_kept_they_are_occluded_too(bright_spots):
    slices, labels = spotted("inside")
    for patient, arrays in slices.items():
        around = 220 if labels[patient] == "b" else 100  # the cue is around the lesion, too
        shape = arrays["images"].shape
        arrays["masks"] = np.packbits(np.broadcast_to(disc(), shape), axis=-1)
        images = np.where(disc(), 120, around)
        arrays["images"] = np.broadcast_to(images, shape).astype(np.uint8)
    found = look_at_lesions(bright_spot_state(), slices, labels, AB, RUN, SETTINGS)
    auc = occlusion_effect(found.scores, ["a", "b"], "b").query("level == 'lesion'")
    auc = auc.set_index("variant")["auc"]
    assert auc["as_is"] == auc["lesion"] == auc["rim"] == 1
    assert [auc["surroundings"], auc["silhouette"]] == pytest.approx([0.5, 0.5], abs=1e-12)
    assert (found.maps.query("called == 'b'")["map_outside"] > 0.9).all()


def test_of_neighbouring_slices_as_channels_each_has_its_own_rim(bright_spots):
    slices, labels = spotted("rim")
    for arrays in slices.values():
        arrays["images"] = np.stack([arrays["images"]] * 3, axis=1)
        arrays["images"][:, 0] = 0  # the lesion does not reach into the slice below
    found = look_at_lesions(bright_spot_state(channels=3), slices, labels, AB, RUN, SETTINGS)
    auc = occlusion_effect(found.scores, ["a", "b"], "b").query("level == 'lesion'")
    auc = auc.set_index("variant")["auc"]
    assert auc["as_is"] == auc["inside"] == 1
    assert [auc["rim"], auc["silhouette"]] == pytest.approx([0.5, 0.5], abs=1e-12)
    assert found.examples["images"].shape[1:] == (64, 64)
    assert found.examples["masks"].any(axis=(1, 2)).all()  # the middle slice is shown


def test_lesions_of_several_scans_keep_their_names(bright_spots):
    slices, labels = spotted("rim", patients=4)
    for arrays in slices.values():
        arrays["scan"] = np.array(["first", "first", "second", "second"])
        arrays["number"] = np.array([7, 7, 7, 7])
    of_scans = {
        f"{patient}@{scan}": labels[patient] for patient in labels for scan in ("first", "second")
    }
    table = look_at_lesions(bright_spot_state(), slices, of_scans, AB, RUN, SETTINGS).scores
    whole = table.query("variant == 'as_is'")
    assert whole[["patient", "scan", "lesion"]].head(2).to_numpy().tolist() == [
        ["P0", "first", 7],
        ["P0", "second", 7],
    ]
    assert occlusion_effect(table, ["a", "b"], "b").query("variant == 'rim'")["auc"].eq(0.5).all()
