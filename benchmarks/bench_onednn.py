"""Time a patch takes on a CPU: convolutions as PyTorch chooses them, and always by oneDNN.

    make bench-onednn

Runs the demo's network, and one of published size (32 to 320 features), on one patch in one thread.
The last line is `ratio=<CPU time of PyTorch's choice / of oneDNN>`, of the demo's network.
"""

import tempfile
import time
from pathlib import Path

import torch
from livermets.segmentation.model_archive import hash_model, model_folder
from livermets.segmentation.nnunet_environment import nnunet_environment
from livermets.segmentation.nnunet_model import load_model
from livermets.segmentation.nnunet_v1_network import GenericUNet, UNetPlan
from livermets.segmentation.onednn import OneDnnConv3d, use_onednn

DEMO_MODEL = Path(__file__).resolve().parents[1] / "resources/demo/model.zip"
REPEATS = 5


def demo_network(cache: Path) -> tuple[torch.nn.Module, list[int]]:
    """The network of the demo's model, and the size of its patch."""
    folder = model_folder(DEMO_MODEL, hash_model(DEMO_MODEL), cache)
    with nnunet_environment():
        model = load_model(folder, [0], "checkpoint_final.pth", torch.device("cpu"))
    return model.networks[0], model.configuration["patch_size"]


def seconds(network: torch.nn.Module, patch: torch.Tensor) -> float:
    """CPU seconds of the fastest of several runs."""
    taken = []
    with torch.inference_mode():
        for _ in range(REPEATS):
            start = time.process_time()
            network(patch)
            taken.append(time.process_time() - start)
    return min(taken)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    published = GenericUNet(UNetPlan(3, 32, [[2, 2, 2]] * 5, [[3, 3, 3]] * 6)).eval()
    with tempfile.TemporaryDirectory() as cache:
        networks = {"demo": demo_network(Path(cache)), "published size": (published, [64] * 3)}
    ratios = {}
    for name, (network, size) in networks.items():
        patch = torch.randn(1, 1, *size)
        by_onednn = seconds(use_onednn(network), patch)
        for module in network.modules():
            if isinstance(module, OneDnnConv3d):
                module.__class__ = torch.nn.Conv3d
        chosen = seconds(network, patch)
        ratios[name] = chosen / by_onednn
        print(f"{name}, {'×'.join(map(str, size))}: {chosen:.2f} s, by oneDNN {by_onednn:.2f} s")
    print(f"ratio={ratios['demo']:.2f}")


if __name__ == "__main__":
    main()
