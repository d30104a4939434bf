"""nnU-Net's dataset folders: cases, fingerprint, plan and preprocessed arrays of a training.

nnU-Net's own commands start worker processes for this, each of which would run the Snakemake script
that started them once more. The functions here do the same steps in one process.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadInput, BadPatient
from livermets.core.io import write_text
from livermets.imaging.geometry import same_grid
from livermets.imaging.volumes import write_image

DATASET = "Dataset001_livermets"
CONFIGURATION = "3d_fullres"  # nnU-Net's name of the plan that is trained
ORIENTATION = "LPS"  # the orientation of the cases; dataset.json tells inference
PLAN_KEYS = (
    "patch_size",
    "batch_size",
    "spacing_mm",
    "features_per_stage",
    "convolutions_per_stage",
)
MAX_SAMPLES_PER_CASE = 1_000_000  # nnU-Net takes more; the intensity statistics do not need them
MIN_STAGES = 3  # of a network with nnU-Net's deep supervision
MIN_HALVED = 8  # voxels: the smallest edge that is halved, since nnU-Net's smallest edge is 4

Case = tuple[str, Path, Path]  # patient, CT, mask


def write_cases(cases: Sequence[Case], labels: Mapping[str, int], workdir: Path) -> None:
    """Write nnU-Net's raw folder: images, masks and dataset.json.

    Parameters
    ----------
    cases : sequence of (str, Path, Path)
        Patient, CT and mask; CT and mask on one grid.
    labels : mapping of str to int
        Names and values of the masks.
    workdir : Path
        The folder of the training.

    Raises
    ------
    BadPatient
        For a mask on another grid than its CT, or with a value that is not in `labels`.
    """
    raw = workdir / "nnUNet_raw" / DATASET
    for part in ("imagesTr", "labelsTr"):
        (raw / part).mkdir(parents=True)
    for patient, ct_path, mask_path in cases:
        ct, mask = sitk.ReadImage(str(ct_path)), sitk.ReadImage(str(mask_path))
        if not same_grid(ct, mask):
            raise BadPatient(patient, "mask and CT are not on one grid", "Resample the mask")
        values = set(np.unique(sitk.GetArrayViewFromImage(mask)).tolist())
        if unknown := sorted(values - {0, *labels.values()}):
            raise BadPatient(
                patient, f"the mask has the values {unknown}", f"Use those of {dict(labels)} only"
            )
        mask.CopyInformation(ct)
        write_image(raw / "imagesTr" / f"{patient}_0000.nii.gz", sitk.DICOMOrient(ct, ORIENTATION))
        write_image(
            raw / "labelsTr" / f"{patient}.nii.gz",
            sitk.Cast(sitk.DICOMOrient(mask, ORIENTATION), sitk.sitkUInt8),
        )
    dataset = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, **labels},
        "numTraining": len(cases),
        "file_ending": ".nii.gz",
        "overwrite_image_reader_writer": "SimpleITKIO",
        "orientation": ORIENTATION,
    }
    write_text(raw / "dataset.json", json.dumps(dataset, indent=1))


def plan_and_preprocess(workdir: Path, overrides: Mapping[str, Any]) -> None:
    """Write the fingerprint of the cases, the plan, and the preprocessed cases.

    Parameters
    ----------
    workdir : Path
        The folder of the training, after `write_cases` and within `nnunet_environment`.
    overrides : mapping
        Values of `PLAN_KEYS` that replace those of nnU-Net's plan.
    """
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import (
        ExperimentPlanner,
    )
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
    from nnunetv2.utilities.utils import get_filenames_of_train_images_and_targets

    raw, base = workdir / "nnUNet_raw" / DATASET, workdir / "nnUNet_preprocessed" / DATASET
    base.mkdir(parents=True)
    dataset = json.loads((raw / "dataset.json").read_text())
    files = get_filenames_of_train_images_and_targets(str(raw), dataset)
    write_text(base / "dataset_fingerprint.json", json.dumps(_fingerprint(files), indent=1))

    spacing = overrides.get("spacing_mm")
    planner = ExperimentPlanner(
        DATASET, overwrite_target_spacing=[float(s) for s in spacing] if spacing else None
    )
    plans = planner.plan_experiment()
    planned = plans["configurations"][CONFIGURATION]
    plans["configurations"] = {CONFIGURATION: override_plan(planned, overrides)}
    write_text(base / "nnUNetPlans.json", json.dumps(plans, indent=1))

    manager = PlansManager(plans)
    configuration = manager.get_configuration(CONFIGURATION)
    target = base / configuration.data_identifier
    target.mkdir()
    for name, case in files.items():
        configuration.preprocessor_class(verbose=False).run_case_save(
            str(target / name), case["images"], case["label"], manager, configuration, dataset
        )


def read_plans(workdir: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plans and the dataset.json that `plan_and_preprocess` wrote."""
    base = workdir / "nnUNet_preprocessed" / DATASET
    plans, dataset = (
        json.loads((base / name).read_text()) for name in ("nnUNetPlans.json", "dataset.json")
    )
    return plans, dataset


def override_plan(planned: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """nnU-Net's plan of a configuration with the values that the user chose.

    Parameters
    ----------
    planned : mapping
        The configuration in nnU-Net's plans.
    overrides : mapping
        Values of `PLAN_KEYS`. A new patch size or new features give a new network: each stage
        halves the axes of the patch that are even and large enough.

    Returns
    -------
    dict
        The configuration to train.

    Raises
    ------
    BadInput
        For an unknown key, or a network with fewer than three stages.
    """
    if unknown := set(overrides) - set(PLAN_KEYS):
        raise BadInput(
            f"segmentation training: configuration has no key {sorted(unknown)[0]!r}; "
            f"it knows {sorted(PLAN_KEYS)}"
        )
    network = planned["architecture"]["arch_kwargs"]
    patch_size = list(overrides.get("patch_size", planned["patch_size"]))
    features = list(overrides.get("features_per_stage", network["features_per_stage"]))
    stages = len(features)
    if stages < MIN_STAGES:
        raise BadInput(
            f"segmentation training: features_per_stage is {features}; "
            f"give {MIN_STAGES} stages or more, nnU-Net's deep supervision needs them"
        )
    if "patch_size" in overrides or "features_per_stage" in overrides:
        convolutions = overrides.get("convolutions_per_stage", 2)
        network = {
            **network,
            "n_stages": stages,
            "features_per_stage": features,
            "strides": _strides(patch_size, stages),
            "kernel_sizes": [[3, 3, 3]] * stages,
            "n_conv_per_stage": [convolutions] * stages,
            "n_conv_per_stage_decoder": [convolutions] * (stages - 1),
        }
    return {
        **planned,
        "batch_size": overrides.get("batch_size", planned["batch_size"]),
        "patch_size": patch_size,
        "architecture": {**planned["architecture"], "arch_kwargs": network},
    }


def _strides(patch_size: Sequence[int], stages: int) -> list[list[int]]:
    """The stride of each stage along each axis: 2 where the axis can be halved, else 1."""
    strides = [[1, 1, 1]]
    size = np.array(patch_size)
    for _ in range(stages - 1):
        stride = np.where((size % 2 == 0) & (size >= MIN_HALVED), 2, 1)
        strides.append(stride.tolist())
        size = size // stride
    return strides


def _fingerprint(files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """nnU-Net's dataset fingerprint, as `DatasetFingerprintExtractor.run` makes it."""
    from nnunetv2.experiment_planning.dataset_fingerprint.fingerprint_extractor import (
        DatasetFingerprintExtractor,
    )
    from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO

    samples = min(int(1e8 // len(files)), MAX_SAMPLES_PER_CASE)  # of foreground voxels
    analysed = [
        DatasetFingerprintExtractor.analyze_case(
            case["images"], case["label"], SimpleITKIO, samples
        )
        for case in files.values()
    ]
    shapes, spacings, intensities, _, relative_sizes = zip(*analysed, strict=True)
    hu = np.concatenate([channels[0] for channels in intensities])
    low, median, high = np.percentile(hu, (0.5, 50, 99.5)).tolist()
    return {
        "spacings": [[float(step) for step in spacing] for spacing in spacings],
        "shapes_after_crop": [[int(n) for n in shape] for shape in shapes],
        "foreground_intensity_properties_per_channel": {
            "0": {
                "mean": float(hu.mean()),
                "median": median,
                "std": float(hu.std()),
                "min": float(hu.min()),
                "max": float(hu.max()),
                "percentile_99_5": high,
                "percentile_00_5": low,
            }
        },
        "median_relative_size_after_cropping": float(np.median(relative_sizes)),
    }
