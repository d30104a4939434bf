"""Our segmentation against nnU-Net's own command: one CT, the same weights, the same device.

    LIVERMETS_TEST_DATA=... make bench-segmentation

Runs `nnUNetv2_predict_from_modelfolder` and a segmentation job of ours on CHAOS set 3 (78 slices of
512 × 512), each in a process of its own and with the same number of threads, then both on a phantom
of the size of a CT, where the demo model means something, and compares the labels. The last line is
`ratio=<wall time of nnU-Net / wall time of ours>`, on CHAOS.

Options: `--threads N` (all cores), `--mirror` (give the model mirror axes to average over, as
published models have; the demo model has none), `--repeat N` (best of N, 1), `--device`,
`--published` (on CHAOS alone, with random weights in a network of the size of published models, 32
to 320 features), `--profile` (run both once more under Python's profiler and say where the time
goes).
"""

import argparse
import json
import os
import pstats
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from stopwatch import stopwatch

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "resources/demo/model.zip"

OURS = """
import sys; from pathlib import Path
import logging; logging.basicConfig(level=logging.INFO)
from livermets.segmentation.model_archive import hash_model
from livermets.segmentation.inference import segment_files
from livermets.segmentation.model_chain import load_chain
_, model, ct, record, out, device, threads = sys.argv
model = dict(path=model, sha256=hash_model(Path(model)), labels=dict(liver=1, lesion=2))
outs = Path(out), Path(out).parent / "probability.nii.gz"
segment_files([(Path(ct), Path(record), *outs)], lambda: load_chain(
    [model], device, cache_dir=Path(out).parent / "models", threads=int(threads)))
"""

# What a profile is asked for: a line's title, and the function whose time it is with all it calls.
STAGES = {
    "nnU-Net": {
        "imports": "_find_and_load",
        "reading the model": "initialize_from_trained_model_folder",
        "sliding window": "predict_logits_from_preprocessed_data",
        "whole main process": "predict_from_files",
    },
    "livermets": {
        "imports": "_find_and_load",
        "reading the model": "load_model",
        "sliding window": "predict_logits",
        "labels of a CT, that with resampling": "predict_array",
        "the whole job": "segment_files",
    },
}


def timed(command: list[str], threads: int, log: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a command; ends with its output where it fails."""
    pools = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    folders = dict.fromkeys(("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"), os.devnull)
    with stopwatch() as elapsed, log.open("w") as stream:
        done = subprocess.run(
            command, env={**os.environ, **pools, **folders}, stdout=stream, stderr=stream
        )
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{log.read_text()}")
    return elapsed.wall, elapsed.cpu


def chaos(folder: Path) -> sitk.Image:
    """CHAOS set 3 as the workflow imports it."""
    from livermets.imaging.ct import import_ct

    data = os.environ.get("LIVERMETS_TEST_DATA")
    if not data:
        sys.exit("LIVERMETS_TEST_DATA is not set: CHAOS set 3 lies in the test data")
    with tarfile.open(Path(data) / "chaos_set3/dicom.tar.gz") as archive:
        archive.extractall(folder / "dicom", filter="data")
    inner = next(path.parent for path in (folder / "dicom").rglob("*") if path.is_file())
    return import_ct(inner, "chaos")[0]


def phantom() -> sitk.Image:
    """A phantom on the grid of a CT."""
    from livermets.phantoms.phantom import make_phantom

    size, spacing = (80, 512, 512), (0.547, 0.547, 1.5)
    classes = ["colorectal", "pancreatic"]
    return make_phantom("B1", "pancreatic", classes, 1, size=size, spacing_mm=spacing)[0]


def write_model(folder: Path, options: argparse.Namespace) -> Path:
    """The demo model's folder; with mirror axes or a larger network, as the options say."""
    import torch

    with zipfile.ZipFile(MODEL) as archive:
        archive.extractall(folder / "model")
    file = folder / "model/fold_0/checkpoint_final.pth"
    state = torch.load(file, weights_only=False)
    if options.mirror:
        state["inference_allowed_mirroring_axes"] = (0, 1, 2)
    if options.published:
        state["network_weights"] = enlarge(folder / "model/plans.json")
    torch.save(state, file)
    return folder / "model"


def enlarge(file: Path) -> dict[str, Any]:
    """Plan a network and patch of published size in a plans.json; returns random weights for it."""
    import torch
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    plans = json.loads(file.read_text())
    (configuration,) = plans["configurations"].values()
    architecture = configuration["architecture"]
    configuration["patch_size"] = [48, 96, 96]
    architecture["arch_kwargs"] |= {
        "n_stages": 6,
        "features_per_stage": [32, 64, 128, 256, 320, 320],
        "kernel_sizes": [[3, 3, 3]] * 6,
        "strides": [[1, 1, 1], *[[2, 2, 2]] * 4, [1, 2, 2]],
        "n_conv_per_stage": [2] * 6,
        "n_conv_per_stage_decoder": [2] * 5,
    }
    file.write_text(json.dumps(plans))
    torch.manual_seed(0)
    network = get_network_from_plans(
        architecture["network_class_name"],
        architecture["arch_kwargs"],
        architecture["_kw_requires_import"],
        input_channels=1,
        output_channels=3,
        allow_init=False,
        deep_supervision=False,
    )
    weights: dict[str, Any] = network.state_dict()
    return weights


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / max(a.sum() + b.sum(), 1))


def compare(name: str, ct: sitk.Image, folder: Path, options: argparse.Namespace) -> float:
    """Run both on one CT; prints seconds and overlaps, returns the ratio of wall times."""
    here = folder / name
    (here / "in").mkdir(parents=True)
    model = write_model(here, options)
    ct = sitk.DICOMOrient(ct, "LPS")  # as the model was trained; nnU-Net's command cannot know
    sitk.WriteImage(ct, str(here / "in/case_0000.nii.gz"))
    (here / "ct.json").write_text(json.dumps({"excluded": None}))
    theirs = [str(Path(sys.executable).parent / "nnUNetv2_predict_from_modelfolder")]
    theirs += ["-i", str(here / "in"), "-o", str(here / "out"), "-m", str(here / "model")]
    theirs += ["-f", "0", "-device", options.device, "--disable_progress_bar"]
    (here / "ours.py").write_text(OURS)
    ours = [sys.executable, str(here / "ours.py"), str(model)]
    ours += [str(here / "in/case_0000.nii.gz"), str(here / "ct.json"), str(here / "mask.nii.gz")]
    ours += [options.device, str(options.threads)]
    best = {}
    for _ in range(options.repeat):
        for who, command in (("nnU-Net", theirs), ("livermets", ours)):
            shutil.rmtree(here / "out", ignore_errors=True)
            shutil.rmtree(here / "models", ignore_errors=True)
            took = timed(command, options.threads, here / f"{who}.log")
            best[who] = min(took, best.get(who, took))
            if who == "nnU-Net":
                shutil.copy(here / "out/case.nii.gz", here / "theirs.nii.gz")
    a, b = (
        sitk.GetArrayFromImage(sitk.ReadImage(str(here / file)))
        for file in ("theirs.nii.gz", "mask.nii.gz")
    )
    print(f"{name}, {'×'.join(map(str, ct.GetSize()))} voxels, {options.threads} threads")
    for who, (wall, cpu) in best.items():
        print(f"  {who:10s} {wall:7.1f} s wall {cpu:7.1f} s CPU")
    for label, title in ((1, "liver"), (2, "lesion")):
        print(f"  Dice of the {title} label {dice(a == label, b == label):.4f}")
    for who, command in (("nnU-Net", theirs), ("livermets", ours)) if options.profile else ():
        shutil.rmtree(here / "models", ignore_errors=True)
        profile(who, command, options.threads, here)
    print(f"  CPU ratio {best['nnU-Net'][1] / best['livermets'][1]:.2f}", flush=True)
    return best["nnU-Net"][0] / best["livermets"][0]


def profile(who: str, command: list[str], threads: int, folder: Path) -> None:
    """Where one run under the profiler spends its wall time, in its main process."""
    script = command[1:] if command[0] == sys.executable else command
    out = folder / f"{who}.prof"
    timed([sys.executable, "-m", "cProfile", "-o", str(out), *script], threads, folder / "profile")
    found = pstats.Stats(str(out)).stats.items()
    print(f"  {who} under the profiler, s:")
    for title, function in STAGES[who].items():
        spent = max((times[3] for (_, _, name), times in found if name == function), default=0)
        print(f"    {title:40s} {spent:6.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--mirror", action="store_true")
    parser.add_argument("--published", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--only", choices=["chaos", "phantom"])
    options = parser.parse_args()
    if options.published:
        options.only = "chaos"
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "chaos":
            ratio = compare("phantom", phantom(), Path(folder), options)
        if options.only != "phantom":
            ratio = compare("chaos", chaos(Path(folder)), Path(folder), options)
    print(f"ratio={ratio:.2f}")


if __name__ == "__main__":
    main()
