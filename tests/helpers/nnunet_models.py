"""Small untrained nnU-Net models as they lie on disk, and nnU-Net's own predictor."""

import json

import numpy as np
import torch
from livermets.segmentation.nnunet_environment import nnunet_environment

CPU = torch.device("cpu")
ORDINARY = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
LINEAR = {**ORDINARY, "order": 1}
PLAIN = "dynamic_network_architectures.architectures.unet.PlainConvUNet"


def random_model(
    folder,
    labels,
    dims=3,
    transpose=(0, 1, 2),
    folds=(0,),
    mirror=(0, 1),
    configuration="c",
    **extra,
):
    """A tiny untrained U-Net as nnU-Net stores it."""
    spacing, patch = [4.0, 2.0, 2.0][3 - dims :], [8, 16, 16][3 - dims :]
    architecture = {
        "network_class_name": PLAIN,
        "arch_kwargs": {
            "n_stages": 2, "features_per_stage": [4, 8],
            "conv_op": f"torch.nn.modules.conv.Conv{dims}d",
            "kernel_sizes": [[3] * dims] * 2, "strides": [[1] * dims, [2] * dims],
            "n_conv_per_stage": [1, 1], "n_conv_per_stage_decoder": [1], "conv_bias": True,
            "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dims}d",
            "norm_op_kwargs": {"eps": 1e-5, "affine": True}, "dropout_op": None,
            "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }  # fmt: skip
    setup = {
        "spacing": spacing, "patch_size": patch, "preprocessor_name": "DefaultPreprocessor",
        "normalization_schemes": ["CTNormalization"], "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": ORDINARY,
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_seg_kwargs": {**LINEAR, "is_seg": True},
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": LINEAR, "architecture": architecture, **extra,
    }  # fmt: skip
    intensities = {"mean": 60, "std": 80, "percentile_00_5": -200, "percentile_99_5": 300}
    plans = {
        "plans_name": "p", "dataset_name": "d", "image_reader_writer": "SimpleITKIO",
        "transpose_forward": list(transpose), "transpose_backward": np.argsort(transpose).tolist(),
        "configurations": {configuration: setup}, "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": intensities},
    }  # fmt: skip
    dataset = {"channel_names": {"0": "CT"}, "labels": labels, "file_ending": ".nii.gz"}
    regions = [v for v in labels.values() if isinstance(v, list)]
    if regions:
        dataset["regions_class_order"] = list(range(1, len(regions) + 1))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "dataset.json").write_text(json.dumps(dataset))
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    for fold in folds:
        torch.manual_seed(fold)
        network = get_network_from_plans(
            PLAIN, architecture["arch_kwargs"], architecture["_kw_requires_import"], 1,
            len(regions) or len(labels), True, False,
        )  # fmt: skip
        (folder / f"fold_{fold}").mkdir()
        state = {
            "network_weights": network.state_dict(), "trainer_name": "nnUNetTrainer",
            "init_args": {"configuration": configuration},
            "inference_allowed_mirroring_axes": mirror,
        }  # fmt: skip
        torch.save(state, folder / f"fold_{fold}/checkpoint_final.pth")
    return folder


def peer(folder, hu, spacing, mirroring=True, folds=(0,), step_size=0.5, probabilities=False):
    """What nnU-Net's predictor makes of an array: labels, or (labels, probabilities)."""
    with nnunet_environment():
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        predictor = nnUNetPredictor(
            tile_step_size=step_size, use_mirroring=mirroring, device=CPU, allow_tqdm=False,
            perform_everything_on_device=False,
        )  # fmt: skip
        predictor.initialize_from_trained_model_folder(str(folder), folds)
        return predictor.predict_single_npy_array(
            hu[None].astype(np.float32), {"spacing": list(spacing)}, None, None, probabilities
        )
