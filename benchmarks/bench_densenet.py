"""How much time the data loading costs: training against steps on one fixed batch.

    make bench-densenet ARGS="--size 64 --batch 32 --steps 8 --repeats 5 --device auto"

Training is `trainer.fit` with everything it does per batch: cutting, standardising, moving,
reading the loss. Pure compute is the same network, loss and optimiser on a batch that is ready.
Both are run in turn and the fastest of each counts, as other work on the machine only slows them.
On a busy machine `--clock cpu --threads 1` counts CPU seconds instead (no GPU, no waiting counted).
The last line is `ratio=` images/s of training over those of pure compute; .9 is the least we want.
"""

import argparse
import time

import torch
from livermets.core.devices import pick_device
from livermets.deep_learning.dataset import LesionDataset
from livermets.deep_learning.losses import cross_entropy
from livermets.deep_learning.network import LesionNet
from livermets.deep_learning.trainer import TrainingConfig, fit, forward


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("size", 64), ("batch", 32), ("steps", 8), ("repeats", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    given = parser.parse_args()
    clock = time.perf_counter if given.clock == "wall" else time.process_time
    torch.set_num_threads(given.threads)
    device = pick_device(given.device, "--device")
    n = given.batch * given.steps
    images = torch.randint(0, 256, (n, given.size, given.size), dtype=torch.uint8)
    targets = torch.arange(n) % 2
    dataset = LesionDataset(images, targets, torch.arange(n), torch.ones(n).double())
    network = LesionNet(128, 40).to(device, memory_format=torch.channels_last)
    ways = {
        "training": lambda: fit(
            network, dataset, None, TrainingConfig(1, given.batch), torch.Generator().manual_seed(1)
        ),
        "compute": lambda: compute(network, dataset.to(device), given.batch, given.steps),
    }
    speeds = {}
    for name in list(ways) * (given.repeats + 1):  # the first round warms up
        started = clock()
        ways[name]()
        if device.type == "cuda":
            torch.cuda.synchronize()
        speeds.setdefault(name, []).append(n / (clock() - started))
    best = {name: max(values[1:]) for name, values in speeds.items()}
    print(f"{device}, {given.threads} threads, {given.size} x {given.size}, batch {given.batch}:")
    print(", ".join(f"{name} {speed:.1f} images/s" for name, speed in best.items()))
    print(f"ratio={best['training'] / best['compute']:.3f}")


def compute(network: LesionNet, dataset: LesionDataset, batch: int, steps: int) -> None:
    """Run a number of training steps on the first batch, which is prepared once."""
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), 1e-4, fused=True)
    ready = network.prepare(dataset.images[:batch])
    for _ in range(steps):
        loss = cross_entropy(forward(network, ready), dataset.targets[:batch])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()


if __name__ == "__main__":
    main()
