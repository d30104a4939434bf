"""How much time the data costs: training and inference against the bare network.

    make bench-densenet ARGS="--size 64 --batch 32 --steps 4 --repeats 6 --device auto"

The data are real in their form: lesion slices in files of patients, checked, mapped into memory, as
a job of the workflow reads them. Three ratios are measured, each of images/s:

- training: `trainer.fit` with everything it does (cutting, standardising, augmentation, loss)
  against the same steps on one fixed batch that is ready in memory;
- inference: `inference.predict` against the forward pass of one fixed batch;
- on a GPU, the number of images/s at 224 x 224 with and without 16 bits, and the share of the
  floating-point operations that a large matrix product reaches on this card.

Both sides of a ratio run in turn, and the ratio is the median over the pairs, so that other work on
the machine weighs on both. `--clock cpu` counts CPU seconds instead of wall seconds (no GPU).
The last line is `ratio=` of training; .9 is the least we want, for inference as well.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from livermets.core.devices import pick_device
from livermets.deep_learning.dataset import LesionDataset, lesion_dataset
from livermets.deep_learning.inference import forward, predict
from livermets.deep_learning.lesion_slices import save_slices
from livermets.deep_learning.losses import cross_entropy
from livermets.deep_learning.network import LesionNet, place
from livermets.deep_learning.optimisation import Optimisation, TrainingConfig
from livermets.deep_learning.patient_slices import load_patients
from livermets.deep_learning.trainer import fit
from torch.utils.flop_counter import FlopCounterMode

PATIENTS, PER_LESION = 16, 4
PUBLISHED = 224  # pixels, of the paper


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("size", 64), ("batch", 32), ("steps", 4), ("repeats", 6)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(2023)
    device = pick_device(given.device, "--device")
    clock = time.perf_counter if given.clock == "wall" else time.process_time
    print(f"{device}, {given.threads} threads, {given.size} x {given.size}, batch {given.batch}")
    with tempfile.TemporaryDirectory() as folder:
        files = write_patients(Path(folder), given.batch * given.steps, given.size)
        dataset = read_patients(files)
        network = place(LesionNet(128, 40), device)
        training, inference = (
            measure(name, *ways, given.repeats, len(dataset), clock)
            for name, ways in (
                ("training", training_ways(network, dataset, given.batch)),
                ("inference", inference_ways(network, dataset)),
            )
        )
    if device.type == "cuda":
        measure_gpu(device, given.batch)
    print(f"inference={inference:.3f}")
    print(f"ratio={training:.3f}")


def write_patients(folder: Path, n: int, size: int) -> dict[str, Path]:
    """Write n round lesions of noise, as files of slices of a few patients."""
    rng = np.random.default_rng(2023)
    y, x = np.indices((size, size)) - (size - 1) / 2
    inside = np.hypot(y, x) < 0.4 * size
    files = {}
    for place_of, part in enumerate(np.array_split(np.arange(n), PATIENTS)):
        images = rng.integers(1, 256, (len(part), size, size)).astype(np.uint8) * inside
        files[f"P{place_of}"] = folder / f"P{place_of}.npz"
        lesion = np.arange(len(part)) // PER_LESION + 1
        save_slices({"images": images, "lesion": lesion}, files[f"P{place_of}"])
    return files


def read_patients(files: dict[str, Path]) -> LesionDataset:
    """Read the files as a job of the workflow does."""
    labels = {patient: "ab"[int(patient[1:]) % 2] for patient in files}
    return lesion_dataset(load_patients(files, files), labels, list(files), ["a", "b"])


def training_ways(
    network: LesionNet, dataset: LesionDataset, batch: int
) -> tuple[Callable[[], object], Callable[[], object]]:
    """An epoch of training from the files' images, and as many steps on one fixed batch."""
    config = TrainingConfig(epochs=1, batch_size=batch)
    steps = round(len(dataset) / batch)

    def real() -> None:
        fit(network, dataset, None, config, torch.Generator().manual_seed(1))

    def bare() -> None:
        generator = torch.Generator().manual_seed(1)
        training = Optimisation(network, config, steps, generator)
        placed = dataset.to(training.device)
        images = network.prepare(placed.batch(torch.arange(batch)))
        network.train()
        for _ in range(steps):
            training.optimiser.zero_grad(set_to_none=True)
            loss = cross_entropy(forward(network, images), placed.targets[:batch])
            training.scaler.scale(loss).backward()
            training.scaler.step(training.optimiser)
            training.scaler.update()
            training.schedule.step()

    return real, bare


def inference_ways(
    network: LesionNet, dataset: LesionDataset
) -> tuple[Callable[[], object], Callable[[], object]]:
    """The logits of all images of the files, and as many of one fixed batch."""
    placed = dataset.to(network.mean.device)
    at_a_time = 64
    ready = network.prepare(placed.batch(torch.arange(min(at_a_time, len(dataset)))))

    @torch.inference_mode()
    def bare() -> None:
        network.eval()
        for start in range(0, len(dataset), at_a_time):
            forward(network, ready[: len(dataset) - start])

    return lambda: predict(network, placed, at_a_time), bare


def measure(
    name: str,
    real: Callable[[], object],
    bare: Callable[[], object],
    repeats: int,
    images: int,
    clock: Callable[[], float],
) -> float:
    """Run both ways in turn, print their speeds, and return the median ratio of the pairs."""
    seconds: dict[str, list[float]] = {"real": [], "bare": []}
    for repeat in range(repeats + 1):  # the first one warms up
        order = [("real", real), ("bare", bare)]
        for way, run in order if repeat % 2 else order[::-1]:
            start = clock()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds[way].append(clock() - start)
    pairs = list(zip(seconds["real"][1:], seconds["bare"][1:], strict=True))
    ratios = sorted(bare_s / real_s for real_s, bare_s in pairs)
    speeds = {way: images / statistics.median(times[1:]) for way, times in seconds.items()}
    print(
        f"{name}: {speeds['real']:.1f} images/s from files, {speeds['bare']:.1f} of the bare "
        f"network; ratio {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f} in "
        f"{len(ratios)} pairs)"
    )
    return statistics.median(ratios)


def measure_gpu(device: torch.device, batch: int) -> None:
    """Print images/s of training at the paper's size, and how far that is from the card's limit."""
    images = torch.randint(1, 256, (batch, PUBLISHED, PUBLISHED), dtype=torch.uint8, device=device)
    targets = torch.arange(batch, device=device) % 2
    for mixed in (True, False):
        network = place(LesionNet(128, 40), device).train()
        generator = torch.Generator()
        training = Optimisation(network, TrainingConfig(epochs=1), 1000, generator)
        ready = network.prepare(images)

        def step(
            mixed: bool = mixed,
            network: LesionNet = network,
            training: Optimisation = training,
            ready: torch.Tensor = ready,
        ) -> None:
            training.optimiser.zero_grad(set_to_none=True)
            loss = cross_entropy(forward(network, ready, mixed), targets)
            training.scaler.scale(loss).backward()
            training.scaler.step(training.optimiser)
            training.scaler.update()

        with FlopCounterMode(display=False) as counter:
            step()
        seconds = time_on_gpu(step, 20)
        reached, limit = counter.get_total_flops() / seconds, matrix_speed(device, mixed)
        print(
            f"training at {PUBLISHED} x {PUBLISHED}, {'16' if mixed else '32'} bits: "
            f"{batch / seconds:.0f} images/s, {reached / 1e12:.1f} TFLOP/s, which is "
            f"{reached / limit:.0%} of a large matrix product's {limit / 1e12:.0f}"
        )


def matrix_speed(device: torch.device, mixed: bool, n: int = 8192) -> float:
    """Floating-point operations per second of a product of two large matrices."""
    kind = torch.bfloat16 if mixed else torch.float32
    matrix = torch.randn(n, n, device=device, dtype=kind)
    return 2 * n**3 / time_on_gpu(lambda: matrix @ matrix, 20)


def time_on_gpu(run: Callable[[], object], times: int) -> float:
    """Seconds of one run, after three that warm up."""
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(times):
        run()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / times


if __name__ == "__main__":
    main()
