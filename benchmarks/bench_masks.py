"""Masks of real CTs by a model from the package index alone: Dice, volumes, lesions and seconds.

    LIVERMETS_TEST_DATA=... make bench-masks

Downloads the model of config/recipes/leuven.yaml as a study does, segments CHAOS set 3 (a healthy
liver, with an expert's mask) and CRLM-1006 (colorectal metastases, marked by threshold from seeds,
so no reader's annotation) with as many threads as there are cores, and compares. `floor` is the CPU
time that the networks' operations would take at the speed of one convolution on this machine,
measured just before. Both CTs are segmented once more with the networks computed by PyTorch, and
the masks compared. The last line is `dice=<Dice of the liver on CHAOS> seconds=<longest time for
a CT>`. With `--overlays FOLDER` the masks are drawn over the CTs.
"""

import argparse
import os
import tarfile
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
import SimpleITK as sitk
import yaml
from convolution_speed import convolution_speed, operation_counter
from livermets.imaging.ct import import_ct
from livermets.lesions.components import label_lesions
from livermets.masks.labels import Label
from livermets.review.overlay import draw_overlay
from livermets.segmentation.inference import segment
from livermets.segmentation.model_chain import load_chain
from livermets.segmentation.package_download import download_package
from livermets.study.config import load_config
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[1]
CASES = {"chaos_set3": "liver_gt.nii.gz", "crlm_1006": "labels.nii.gz"}


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Dice of two masks; NaN where both are empty."""
    both = a.sum() + b.sum()
    return 2 * (a & b).sum() / both if both else float("nan")


def compare(labels: np.ndarray, truth: np.ndarray, pieces: sitk.Image) -> dict[str, float]:
    """How far a mask is from the truth: overlap, volumes in ml, lesions found and pieces beside."""
    ml = np.prod(pieces.GetSpacing()) / 1000
    lesion, marked = labels == Label.LESION, truth == Label.LESION
    numbered = sitk.GetArrayFromImage(pieces)
    true_numbers, count = ndimage.label(marked, np.ones((3, 3, 3)))
    beside = np.setdiff1d(np.unique(numbered), [0, *np.unique(numbered[marked])])
    return {
        "liver Dice": dice(labels > 0, truth > 0),
        "liver ml": (labels > 0).sum() * ml,
        "true liver ml": (truth > 0).sum() * ml,
        "lesion Dice": dice(lesion, marked),
        "lesion ml": lesion.sum() * ml,
        "true lesion ml": marked.sum() * ml,
        "true lesions": count,
        "of these found": np.setdiff1d(np.unique(true_numbers[lesion]), 0).size,
        "pieces beside them": beside.size,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--overlays", type=Path)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    given = parser.parse_args()
    if "LIVERMETS_TEST_DATA" not in os.environ:
        parser.error("LIVERMETS_TEST_DATA must name the folder with chaos_set3 and crlm_1006")
    data = Path(os.environ["LIVERMETS_TEST_DATA"])
    recipe = yaml.safe_load((ROOT / "config/recipes/leuven.yaml").read_text())
    models = load_config(recipe)["segmentation"]["models"]
    for model in models:
        if not Path(model["path"]).exists():
            download_package(model["package"], model["sha256"], Path(model["path"]), model["name"])
    chain = load_chain(models, "cpu", threads=given.threads)
    plain = "livermets.segmentation.leuven_model.fast_network"
    with mock.patch(plain, lambda network, device: network.eval().to(device)):
        by_pytorch = load_chain(models, "cpu", threads=given.threads)
    summary = {}
    for case, truth_name in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(data / case / "dicom.tar.gz") as archive:
                archive.extractall(folder, filter="data")
            series = next(p for p in Path(folder).rglob("*") if p.is_file()).parent
            ct, _ = import_ct(series, case)
        speed = convolution_speed()
        start, cpu_start = time.monotonic(), time.process_time()
        mask = segment(ct, chain).mask
        cpu = time.process_time() - cpu_start
        times = {"seconds": time.monotonic() - start, "CPU seconds": cpu}
        with operation_counter() as counter:
            plain = sitk.GetArrayFromImage(segment(ct, by_pytorch).mask)
        times["CPU seconds by PyTorch"] = time.process_time() - cpu_start - cpu
        labels = sitk.GetArrayFromImage(mask)
        for label in (Label.LIVER, Label.LESION):
            same = dice(labels == label, plain == label)
            times[f"Dice with PyTorch's {label.name.lower()}"] = same
        times |= {"TFLOP": counter.get_total_flops() / 1e12, "TFLOP/s": speed / 1e12}
        times["floor, CPU seconds"] = counter.get_total_flops() / speed
        truth = sitk.GetArrayFromImage(sitk.ReadImage(str(data / case / truth_name)))
        pieces = label_lesions(ct, mask, min_diameter_mm=0)[0]
        summary[case] = compare(labels, truth, pieces) | times
        print(f"{case}: {ct.GetSize()} voxels, {given.threads} threads")
        print(*(f"  {name}: {value:.4g}" for name, value in summary[case].items()), sep="\n")
        if given.overlays:
            given.overlays.mkdir(parents=True, exist_ok=True)
            draw_overlay(ct, mask, pieces, given.overlays / f"{case}.png", case)
    longest = max(case["seconds"] for case in summary.values())
    print(f"dice={summary['chaos_set3']['liver Dice']:.4f} seconds={longest:.1f}")


if __name__ == "__main__":
    main()
