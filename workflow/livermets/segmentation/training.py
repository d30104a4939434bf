"""Train an nnU-Net v2 segmentation model on given masks, and pack what inference needs of it.

nnU-Net plans by itself; every part of the plan can be overridden, down to networks that train on
a CPU in minutes. All in one process: nnU-Net's own preparation spawns workers, which would run
a Snakemake script a second time.
"""

import hashlib
import json
import logging
import os
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from livermets.core.devices import pick_device
from livermets.core.errors import BadInput, BadPatient
from livermets.imaging.geometry import same_grid
from livermets.segmentation.inference import quiet_nnunet
from livermets.segmentation.model_archive import hash_model

DATASET = "Dataset001_livermets"
ORIENTATION = "LPS"  # how cases are turned for training; written into dataset.json for inference
SETUP = "3d_fullres"
log = logging.getLogger(__name__)


def train(
    cases: Sequence[tuple[str, Path, Path]],
    labels: Mapping[str, int],
    workdir: Path,
    output_zip: Path,
    *,
    seed: int,
    iterations: int = 250_000,
    iterations_per_epoch: int = 250,
    learning_rate: float = 0.01,
    foreground: float = 0.33,
    optimiser: str = "sgd",
    augment: bool = True,
    mirror_axes: Sequence[int] = (0, 1, 2),
    configuration: Mapping[str, Any] | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> str:
    """Train on all cases, write the model's zip, and give its sha256.

    Parameters
    ----------
    cases : (patient, CT file, mask file); CT and mask on one grid
    labels : names to values of the masks, e.g. {liver: 1, lesion: 2}; other values are refused
    workdir : everything nnU-Net writes; a training that was killed resumes from here
    output_zip : dataset.json, plans.json, fold_0/checkpoint_final.pth with the weights alone
    iterations, iterations_per_epoch, learning_rate : nnU-Net's defaults; a checkpoint every epoch
    optimiser : sgd (nnU-Net's) or adamw (for short trainings; learning_rate near 0.002)
    foreground : share of the patches that are centred on liver or lesion
    augment, mirror_axes : nnU-Net's augmentation; flips are then also averaged at inference
    configuration : overrides of the plan, each may be absent or None: patch_size (z, y, x),
        batch_size, spacing_mm (z, y, x), features_per_stage, convolutions_per_stage
    """
    import torch

    if threads:
        torch.set_num_threads(threads)
    if optimiser not in ("sgd", "adamw"):
        raise BadInput(f"segmentation training: optimiser is {optimiser!r}; use sgd or adamw")
    if not cases:
        raise BadInput("segmentation training: there are no cases; name at least one")
    workdir = Path(workdir).resolve()
    plan = {key: value for key, value in (configuration or {}).items() if value is not None}
    folders = {key: str(workdir / key) for key in
               ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}  # fmt: skip
    schedule = (
        iterations, iterations_per_epoch, learning_rate, foreground, seed, mirror_axes, augment,
        optimiser,
    )  # fmt: skip
    recipe = _recipe(cases, labels, plan, schedule)
    done = workdir / "prepared.json"
    if not (done.is_file() and done.read_text() == recipe):
        shutil.rmtree(workdir, ignore_errors=True)
        with quiet_nnunet(**folders, nnUNet_n_proc_DA="1"):
            log.info("preparing %d cases", len(cases))
            _write_cases(cases, labels, workdir / "nnUNet_raw" / DATASET)
            _prepare(workdir, plan)
        done.write_text(recipe)
    with quiet_nnunet(**folders, nnUNet_n_proc_DA="0"):  # 0: patches are cut in this process
        from livermets.segmentation.seeded_trainer import SeededTrainer

        base = workdir / "nnUNet_preprocessed" / DATASET
        plans = json.loads((base / "nnUNetPlans.json").read_text())
        trainer = SeededTrainer(
            plans={**plans, "continue_training": True},
            configuration=SETUP,
            fold="all",
            dataset_json=json.loads((base / "dataset.json").read_text()),
            device=pick_device(device, "segmentation_training.device"),
        )
        trainer.prepare(*schedule)
        trainer.run_training()
        folder = Path(trainer.output_folder_base)
    pack(folder, output_zip)
    sha256 = hash_model(output_zip)
    log.info("%s has the sha256 %s", output_zip, sha256)
    return sha256


def pack(folder: Path, output_zip: Path, fold: str = "all") -> None:
    """A zip of what inference needs of a trained folder: no optimiser state, no logs.

    The checkpoint names nnU-Net's own trainer, so that it loads without this package. Equal
    weights give equal bytes.
    """
    import torch

    # This training's own file, so it may be unpickled.
    trained = torch.load(
        folder / f"fold_{fold}" / "checkpoint_final.pth", map_location="cpu", weights_only=False
    )
    slim = folder / "checkpoint_final.pth"
    torch.save(
        {
            "network_weights": {k: v.contiguous() for k, v in trained["network_weights"].items()},
            "init_args": {"configuration": trained["init_args"]["configuration"]},
            "trainer_name": "nnUNetTrainer",
            "inference_allowed_mirroring_axes": trained["inference_allowed_mirroring_axes"],
        },
        slim,
    )
    output_zip = Path(output_zip)
    output_zip.parent.mkdir(parents=True, exist_ok=True)
    partial = output_zip.with_name(f"{output_zip.name}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, file in (
            ("dataset.json", folder / "dataset.json"),
            ("plans.json", folder / "plans.json"),
            ("fold_0/checkpoint_final.pth", slim),
        ):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    os.replace(partial, output_zip)


def _recipe(
    cases: Sequence[tuple[str, Path, Path]],
    labels: Mapping[str, int],
    plan: Mapping[str, Any],
    schedule: Sequence[Any],
) -> str:
    """All that a training depends on: where any of it differs, nothing is resumed."""
    files = [(patient, _sha(ct), _sha(mask)) for patient, ct, mask in cases]
    parts = {"cases": files, "labels": dict(labels), "plan": plan, "schedule": schedule}
    return json.dumps(parts, sort_keys=True)


def _sha(path: Path) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_cases(
    cases: Sequence[tuple[str, Path, Path]], labels: Mapping[str, int], raw: Path
) -> None:
    """nnU-Net's raw folder: images, masks and dataset.json."""
    for part in ("imagesTr", "labelsTr"):
        (raw / part).mkdir(parents=True)
    for patient, ct_path, mask_path in cases:
        ct, mask = sitk.ReadImage(str(ct_path)), sitk.ReadImage(str(mask_path))
        if not same_grid(ct, mask):
            raise BadPatient(patient, "mask and CT are not on one grid", "Resample the mask")
        array = sitk.GetArrayFromImage(mask)
        if strange := sorted(set(np.unique(array).tolist()) - {0, *labels.values()}):
            raise BadPatient(
                patient, f"the mask has the values {strange}", f"Use those of {dict(labels)} only"
            )
        mask.CopyInformation(ct)
        sitk.WriteImage(
            sitk.DICOMOrient(ct, ORIENTATION), str(raw / "imagesTr" / f"{patient}_0000.nii.gz")
        )
        sitk.WriteImage(
            sitk.Cast(sitk.DICOMOrient(mask, ORIENTATION), sitk.sitkUInt8),
            str(raw / "labelsTr" / f"{patient}.nii.gz"),
        )
    dataset = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, **labels},
        "numTraining": len(cases),
        "file_ending": ".nii.gz",
        "overwrite_image_reader_writer": "SimpleITKIO",
        "orientation": ORIENTATION,
    }
    (raw / "dataset.json").write_text(json.dumps(dataset, indent=1))


def _prepare(workdir: Path, plan: Mapping[str, Any]) -> None:
    """Fingerprint, plan with its overrides, and preprocessed cases."""
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import (
        ExperimentPlanner,
    )
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
    from nnunetv2.utilities.utils import get_filenames_of_train_images_and_targets

    raw, base = workdir / "nnUNet_raw" / DATASET, workdir / "nnUNet_preprocessed" / DATASET
    base.mkdir(parents=True)
    dataset = json.loads((raw / "dataset.json").read_text())
    files = get_filenames_of_train_images_and_targets(str(raw), dataset)
    fingerprint = _fingerprint(files)
    (base / "dataset_fingerprint.json").write_text(json.dumps(fingerprint, indent=1))

    spacing = plan.get("spacing_mm")
    planner = ExperimentPlanner(
        DATASET, overwrite_target_spacing=[float(s) for s in spacing] if spacing else None
    )
    plans = planner.plan_experiment()
    plans["configurations"] = {SETUP: _override(plans["configurations"][SETUP], plan)}
    (base / "nnUNetPlans.json").write_text(json.dumps(plans, indent=1))

    manager = PlansManager(plans)
    setup = manager.get_configuration(SETUP)
    target = base / setup.data_identifier
    target.mkdir()
    for name, case in files.items():
        setup.preprocessor_class(verbose=False).run_case_save(
            str(target / name), case["images"], case["label"], manager, setup, dataset
        )


def _fingerprint(files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """nnU-Net's dataset fingerprint (its `DatasetFingerprintExtractor.run`, without workers)."""
    from nnunetv2.experiment_planning.dataset_fingerprint.fingerprint_extractor import (
        DatasetFingerprintExtractor,
    )
    from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO

    samples = int(1e8 // len(files))  # of foreground voxels in all, as nnU-Net takes
    samples = min(samples, 1_000_000)  # its statistics are stable long before that
    found = [
        DatasetFingerprintExtractor.analyze_case(
            case["images"], case["label"], SimpleITKIO, samples
        )
        for case in files.values()
    ]
    hu = np.concatenate([case[2][0] for case in found])
    low, median, high = np.percentile(hu, (0.5, 50, 99.5)).tolist()
    return {
        "spacings": [[float(step) for step in case[1]] for case in found],
        "shapes_after_crop": [[int(n) for n in case[0]] for case in found],
        "foreground_intensity_properties_per_channel": {
            "0": {
                "mean": float(hu.mean()), "median": median, "std": float(hu.std()),
                "min": float(hu.min()), "max": float(hu.max()),
                "percentile_99_5": high, "percentile_00_5": low,
            }
        },
        "median_relative_size_after_cropping": float(np.median([case[4] for case in found])),
    }  # fmt: skip


def _override(setup: dict[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """The planned configuration with what the user wants otherwise."""
    known = {"patch_size", "batch_size", "spacing_mm", "features_per_stage",
             "convolutions_per_stage"}  # fmt: skip
    if unknown := set(plan) - known:
        raise BadInput(
            f"segmentation training: configuration has no key {sorted(unknown)[0]!r}; "
            f"it knows {sorted(known)}"
        )
    setup = {**setup, "batch_size": plan.get("batch_size", setup["batch_size"])}
    network = setup["architecture"]["arch_kwargs"]
    patch = list(plan.get("patch_size", setup["patch_size"]))
    features = list(plan.get("features_per_stage", network["features_per_stage"]))
    stages = len(features)
    if stages < 3:
        raise BadInput(
            f"segmentation training: features_per_stage is {features}; "
            "give 3 stages or more, nnU-Net's deep supervision needs them"
        )
    strides = [[1, 1, 1]]
    size = np.array(patch)
    for _ in range(stages - 1):  # halve what is even and at least 8, nnU-Net's smallest edge is 4
        step = np.where((size % 2 == 0) & (size >= 8), 2, 1)
        strides.append(step.tolist())
        size = size // step
    if "patch_size" in plan or "features_per_stage" in plan:
        convolutions = plan.get("convolutions_per_stage", 2)
        network = {
            **network,
            "n_stages": stages,
            "features_per_stage": features,
            "strides": strides,
            "kernel_sizes": [[3, 3, 3]] * stages,
            "n_conv_per_stage": [convolutions] * stages,
            "n_conv_per_stage_decoder": [convolutions] * (stages - 1),
        }
    architecture = {**setup["architecture"], "arch_kwargs": network}
    return {**setup, "patch_size": patch, "architecture": architecture}
