"""Run by a Python that has nnU-Net v1 (PyPI: nnunet 1.7.1): load a model, save it, predict a CT.

Usage: nnunet_v1_peer.py MODEL SAVED INPUT_FOLDER OUTPUT_FOLDER MIRRORING
The model is loaded by nnU-Net's own trainer and saved by it, so that SAVED holds the files that
nnU-Net v1 itself writes.
"""

import functools
import os
import shutil
import sys
import tempfile
from pathlib import Path

import torch


def main() -> None:
    for variable in ("nnUNet_raw_data_base", "nnUNet_preprocessed", "RESULTS_FOLDER"):
        os.environ[variable] = tempfile.mkdtemp()  # v1 makes folders there when it is imported
    torch.load = functools.partial(torch.load, weights_only=False)  # as it was in v1's time
    from nnunet.inference.predict import predict_from_folder
    from nnunet.training.model_restore import load_model_and_checkpoint_files

    model, saved, inputs, outputs = map(Path, sys.argv[1:5])
    (saved / "fold_0").mkdir(parents=True)
    checkpoint = "model_final_checkpoint"
    trainer, parameters = load_model_and_checkpoint_files(
        str(model), [0], mixed_precision=False, checkpoint_name=checkpoint
    )
    trainer.load_checkpoint_ram(parameters[0], False)
    trainer.initialize_optimizer_and_scheduler()
    trainer.save_checkpoint(str(saved / f"fold_0/{checkpoint}.model"))
    shutil.copy(model / "plans.pkl", saved)
    if (model / "postprocessing.json").exists():
        shutil.copy(model / "postprocessing.json", saved)
    predict_from_folder(
        str(saved),
        str(inputs),
        str(outputs),
        [0],
        save_npz=False,
        num_threads_preprocessing=1,
        num_threads_nifti_save=1,
        lowres_segmentations=None,
        part_id=0,
        num_parts=1,
        tta=sys.argv[5] == "1",
        mixed_precision=False,
        overwrite_existing=True,
        mode="normal",
        overwrite_all_in_gpu=False,
        step_size=0.5,
        checkpoint_name=checkpoint,
    )


if __name__ == "__main__":
    main()
