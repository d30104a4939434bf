"""Time a patch takes on a CPU: networks by OpenVINO, as livermets computes them, and by PyTorch.

    make bench-openvino

Runs the demo's network, an nnU-Net of published size (32 to 320 features) and the two networks of
KU Leuven (with random weights: the time is the same) on one patch in one thread. `compiling` is
what a job needs once. The last line is `ratio=<CPU time of PyTorch / of OpenVINO>`, of the nnU-Net
of published size.
"""

import tempfile
import time
from pathlib import Path

import torch
from livermets.segmentation.leuven_network import LESIONS, LIVER, LeuvenUNet
from livermets.segmentation.model_archive import hash_model, model_folder
from livermets.segmentation.nnunet_environment import nnunet_environment
from livermets.segmentation.nnunet_model import load_model
from livermets.segmentation.nnunet_v1_network import GenericUNet, UNetPlan
from livermets.segmentation.openvino_network import fast_network

DEMO_MODEL = Path(__file__).resolve().parents[1] / "resources/demo/model.zip"
REPEATS = 3
CPU = torch.device("cpu")


def demo_network(cache: Path) -> tuple[torch.nn.Module, list[int]]:
    """The network of the demo's model, and the size of its patch."""
    folder = model_folder(DEMO_MODEL, hash_model(DEMO_MODEL), cache)
    with nnunet_environment():
        model = load_model(folder, [0], "checkpoint_final.pth", CPU)
    return model.networks[0].network, model.configuration["patch_size"]


def seconds(network: torch.nn.Module, patch: torch.Tensor) -> tuple[float, float]:
    """CPU seconds of the first run, and of the fastest of those that follow."""
    taken = []
    with torch.inference_mode():
        for _ in range(REPEATS + 1):
            start = time.process_time()
            network(patch)
            taken.append(time.process_time() - start)
    return taken[0], min(taken[1:])


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    published = GenericUNet(UNetPlan(3, 32, [[2, 2, 2]] * 5, [[3, 3, 3]] * 6))
    with tempfile.TemporaryDirectory() as cache:
        networks = {
            "nnU-Net of the demo": demo_network(Path(cache)),
            "liver, KU Leuven": (LeuvenUNet(LIVER), LIVER.input_size),
            "lesions, KU Leuven": (LeuvenUNet(LESIONS), LESIONS.input_size),
            "nnU-Net of published size": (published, [96] * 3),
        }
    for name, (network, size) in networks.items():
        patch = torch.randn(1, 1, *size)
        first, ours = seconds(fast_network(network, CPU), patch)
        _, pytorch = seconds(network.eval(), patch)
        print(
            f"{name}, {'×'.join(map(str, size))}: OpenVINO {ours:.2f} s"
            f" (compiling {first - ours:.1f}), PyTorch {pytorch:.2f} s: {pytorch / ours:.2f} ×",
            flush=True,
        )
    print(f"ratio={pytorch / ours:.2f}")


if __name__ == "__main__":
    main()
