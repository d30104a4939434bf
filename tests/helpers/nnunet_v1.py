"""Models of nnU-Net v1 for the tests: its files, written with plain pickles and the demo's weights.

The demo's network has the shape of one of v1, but for the biases of its transposed convolutions and
outputs. Instance normalisation removes nearly all of what they do.
"""

import json
import pickle
from pathlib import Path
from typing import Any

import torch
from helpers.segmentation import DEMO_MODEL, ROOT, demo_model
from livermets.segmentation.model_archive import model_folder

INTENSITIES = {"mean": 91.04, "sd": 14.64, "percentile_00_5": 36.0, "percentile_99_5": 153.0}
PEER = ROOT / "tests/helpers/nnunet_v1_peer.py"


def v1_plans(**stage: Any) -> dict[str, Any]:
    """The plans of a model of the demo's size, as nnU-Net v1 pickles them."""
    plan = {
        "batch_size": 2,
        "num_pool_per_axis": [3, 3, 3],
        "patch_size": [40, 64, 64],
        "median_patient_size_in_voxels": [40, 112, 112],
        "current_spacing": [3.0, 2.5, 2.5],
        "original_spacing": [3.0, 2.5, 2.5],
        "do_dummy_2D_data_aug": False,
        "pool_op_kernel_sizes": [[2, 2, 2]] * 3,
        "conv_kernel_sizes": [[3, 3, 3]] * 4,
    } | stage
    return {
        "num_stages": 1,
        "num_modalities": 1,
        "modalities": {0: "CT"},
        "normalization_schemes": {0: "CT"},
        "dataset_properties": {"intensityproperties": {0: INTENSITIES}},
        "base_num_features": 8,
        "num_classes": 2,
        "all_classes": [1, 2],
        "use_mask_for_norm": {0: False},
        "keep_only_largest_region": None,
        "min_region_size_per_class": None,
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "data_identifier": "nnUNetData_plans_v2.1",
        "plans_per_stage": {0: plan},
        "preprocessor_name": "GenericPreprocessor",
        "conv_per_stage": 2,
    }


def demo_weights(cache: Path) -> dict[str, torch.Tensor]:
    """The demo's weights by the names of v1's network."""
    demo = demo_model()
    folder = model_folder(DEMO_MODEL, demo["sha256"], cache)
    state = torch.load(folder / "fold_0/checkpoint_final.pth", weights_only=False)
    given, weights = state["network_weights"], {}

    def stage(name: str, v2: str, split: bool) -> None:
        for i in range(2):
            block = f"{name}.{i}.blocks.0" if split else f"{name}.blocks.{i}"
            for part, own in (("conv", "conv"), ("norm", "instnorm")):
                for key in ("weight", "bias"):
                    weights[f"{block}.{own}.{key}"] = given[f"{v2}.convs.{i}.{part}.{key}"]

    for d in range(4):
        stage(f"conv_blocks_context.{d}", f"encoder.stages.{d}.0", d == 3)
    for u in range(3):
        stage(f"conv_blocks_localization.{u}", f"decoder.stages.{u}", True)
        weights[f"tu.{u}.weight"] = given[f"decoder.transpconvs.{u}.weight"]
        weights[f"seg_outputs.{u}.weight"] = given[f"decoder.seg_layers.{u}.weight"]
    return weights


def write_v1_model(
    folder: Path,
    plans: dict[str, Any],
    weights: dict[str, torch.Tensor],
    trainer: str = "nnUNetTrainerV2",
    folds: tuple[str, ...] = ("fold_0",),
    postprocessing: dict[str, Any] | None = None,
) -> Path:
    """The files of a trained model, as nnU-Net v1 lays them out."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plans.pkl").write_bytes(pickle.dumps(plans))
    arguments = (
        "plans.pkl",
        0,
        "out",
        "data",
        True,
        max(plans["plans_per_stage"]),
        True,
        False,
        True,
    )
    for fold in folds:
        (folder / fold).mkdir(exist_ok=True)
        checkpoint = folder / fold / "model_final_checkpoint.model"
        torch.save(
            {"epoch": 1000, "state_dict": weights, "plot_stuff": ([], [], [], [])}, checkpoint
        )
        info = {"init": arguments, "name": trainer, "class": trainer, "plans": plans}
        checkpoint.with_name(checkpoint.name + ".pkl").write_bytes(pickle.dumps(info))
    if postprocessing is not None:
        (folder / "postprocessing.json").write_text(json.dumps(postprocessing))
    return folder
