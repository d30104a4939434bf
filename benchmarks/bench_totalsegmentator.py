"""Our labels against the package TotalSegmentator's: the same weights, a CT and two tasks.

    make bench-totalsegmentator PEERS=/path/to/python CT=ct.nii.gz

`PEERS` is a Python of an environment of its own with TotalSegmentator 2.18. The
published weights are not needed: networks of the demo model's size are laid out as its downloads
are (quick model of 3 mm, lesions), and both sides run the tasks `total` with `fast` and
`liver_lesions` on the CT. Takes minutes for a CT of 130 × 130 × 28 voxels, and hours for a whole
one, since the lesions are computed at 0.75 mm. The last line is `dice=<smallest Dice>`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from livermets.segmentation.inference import segment
from livermets.segmentation.model_archive import hash_model
from livermets.segmentation.model_chain import load_chain

DEMO_MODEL = Path(__file__).resolve().parents[1] / "resources/demo/model.zip"
PATCH = [40, 80, 80]
# folder of the download, folder of the trained model, spacing (z, y, x), outputs, label of liver
LAYOUTS = {
    "quick": (
        "Dataset297_TotalSegmentator_total_3mm_1559subj",
        "nnUNetTrainer_4000epochs_NoMirroring__nnUNetPlans__3d_fullres",
        [3.0, 3.0, 3.0], 6, 5,
    ),
    "lesions": (
        "Dataset591_ct_liver_lesions_842subj",
        "nnUNetTrainer__nnUNetPlans__3d_fullres_high",
        [1.0, 0.75, 0.75], 2, 1,
    ),
}  # fmt: skip
THEIRS = """
import sys
import requests
def refuse(*_, **__): raise ConnectionError("this comparison uses no network")
requests.get = requests.post = refuse
if __name__ == "__main__":
    import totalsegmentator.python_api as api
    api.send_usage_stats = lambda *_, **__: None
    ct, out, task, fast = sys.argv[1:]
    api.totalsegmentator(ct, out, task=task, fast=fast == "fast", device="cpu", ml=True,
                         nr_thr_resamp=1, nr_thr_saving=1, quiet=True)
"""


def lay_out(folder: Path, demo: Path, layout: tuple[str, str, list[float], int, int]) -> Path:
    """Lay out a model as a download of TotalSegmentator; returns the zip of it."""
    dataset_name, model_name, spacing, outputs, liver = layout
    model = folder / "weights" / dataset_name / model_name
    (model / "fold_0").mkdir(parents=True)
    plans = json.loads((demo / "plans.json").read_text())
    (setup,) = plans["configurations"].values()
    configuration = model_name.split("__")[-1]
    plans["configurations"] = {configuration: {**setup, "spacing": spacing, "patch_size": PATCH}}
    dataset = json.loads((demo / "dataset.json").read_text())
    del dataset["orientation"]
    dataset["labels"] = {"background": 0, **{f"label {n}": n for n in range(1, outputs)}}
    state = torch.load(demo / "fold_0/checkpoint_final.pth", weights_only=True)
    for name, weights in state["network_weights"].items():
        if "seg_layers" in name:  # the demo's background and liver; every other output never wins
            head = torch.zeros(outputs, *weights.shape[1:])
            if name.endswith("bias"):
                head -= 50
            head[0], head[liver] = weights[0], weights[1]
            state["network_weights"][name] = head
    state["init_args"] = {"configuration": configuration}
    (model / "plans.json").write_text(json.dumps(plans))
    (model / "dataset.json").write_text(json.dumps(dataset))
    torch.save(state, model / "fold_0/checkpoint_final.pth")
    archive = folder / f"{dataset_name}.zip"
    with zipfile.ZipFile(archive, "w") as members:
        for file in sorted(model.rglob("*")):
            members.write(file, file.relative_to(folder / "weights"))
    return archive


def ours(ct: sitk.Image, zips: dict[str, Path], task: str, cache: Path) -> np.ndarray:
    """Whether a voxel is labelled by the chain of config/recipes/totalsegmentator.yaml."""

    def model(name: str, **keys: Any) -> dict[str, Any]:
        keys |= {"preprocessing": "totalsegmentator", "mirroring": False}
        return {"name": name, "path": zips[name], "sha256": hash_model(zips[name]), **keys}

    fast = task == "total"
    chain = [model("quick", labels={"liver": 5}, step_size=0.8, only_locates=not fast)]
    if not fast:
        crop = {"to": "liver", "margin_mm": 20}
        chain.append(model("lesions", labels={"lesion": 1}, step_size=0.5, crop=crop))
    mask = segment(ct, load_chain(chain, "cpu", cache_dir=cache, threads=1)).mask
    return sitk.GetArrayFromImage(mask) > 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", required=True, help="a Python with TotalSegmentator")
    parser.add_argument("--ct", type=Path, required=True, help="a CT as NIfTI")
    options = parser.parse_args()
    ct, smallest = sitk.ReadImage(str(options.ct)), 1.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with zipfile.ZipFile(DEMO_MODEL) as archive:
            archive.extractall(folder / "demo")
        zips = {key: lay_out(folder, folder / "demo", layout) for key, layout in LAYOUTS.items()}
        (folder / "theirs.py").write_text(THEIRS)
        (folder / "home").mkdir()
        places = {"TOTALSEG_WEIGHTS_PATH": "weights", "TOTALSEG_HOME_DIR": "home"}
        environment = {**os.environ, **{key: str(folder / place) for key, place in places.items()}}
        for task, fast in (("total", "fast"), ("liver_lesions", "")):
            out = folder / f"{task}.nii.gz"
            arguments = [str(options.ct.resolve()), str(out), task, fast]
            command = [options.peers, str(folder / "theirs.py"), *arguments]
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"TotalSegmentator failed:\n{done.stderr}")
            theirs = sitk.GetArrayFromImage(sitk.ReadImage(str(out))) > 0
            found = ours(ct, zips, task, folder / "cache")
            dice = float(2 * (found & theirs).sum() / max(found.sum() + theirs.sum(), 1))
            smallest = min(smallest, dice)
            print(f"{task}: {theirs.sum()} voxels theirs, {found.sum()} ours, Dice {dice:.5f}")
    print(f"dice={smallest:.5f}")


if __name__ == "__main__":
    main()
