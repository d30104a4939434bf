"""How long all arms take: the workflow from a features table of the paper's size to its metrics.

`make bench-arms`, or `ARGS=cores` with it; 78 patients, 1,296 lesions, 107 features, every
classifier with every way of resampling, the arm selected by inner folds and the baselines,
five-fold cross-validation, ten settings tried on three inner folds. To be at most 15 minutes on 2
cores.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from helpers.run_study import snakemake, write_config
from stopwatch import stopwatch

FEATURES, FACTORS = 107, 25


def features_table(seed: int = 2023) -> pd.DataFrame:
    """47 patients with 435 lesions, 31 with 861; features in families, lesions of a patient alike.

    Each of 25 factors has a part of the patient's and one of the lesion's own; four of them differ
    by half a standard deviation between the classes. A feature mixes about three factors.
    """
    rng = np.random.default_rng(seed)
    lesions = np.concatenate([parts(rng, 435, 47), parts(rng, 861, 31)])
    patient = np.repeat(np.arange(78), lesions)
    positive = patient >= 47
    shift = 0.5 * positive[:, None] * (np.arange(FACTORS) < 4)
    factors = rng.normal(size=(78, FACTORS))[patient] + rng.normal(size=(len(patient), FACTORS))
    loads = rng.normal(size=(FACTORS, FEATURES)) * (rng.random((FACTORS, FEATURES)) < 0.12)
    values = (factors + shift) @ loads + 0.5 * rng.normal(size=(len(patient), FEATURES))
    table = pd.DataFrame(values, columns=[f"feature_{i:03d}" for i in range(FEATURES)])
    facts = {
        "patient": [f"P{number:02d}" for number in patient],
        "lesion": np.concatenate([np.arange(1, n + 1) for n in lesions]),
        "label": np.where(positive, "pancreatic", "colorectal"),
        "volume_ml": rng.lognormal(size=len(patient)),
        "burden": rng.beta(2, 20, 78)[patient],
        "clinical_age": rng.normal(65, 9, 78)[patient],
    }
    return pd.concat([pd.DataFrame(facts), table], axis=1)


def parts(rng: np.random.Generator, total: int, patients: int) -> np.ndarray:
    """How many lesions each patient has: `total` in all, one or more each, unevenly."""
    return 1 + rng.multinomial(total - patients, rng.dirichlet(np.full(patients, 2.0)))


def main(cores: int = 2) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        features_table().to_csv(folder / "features.csv", index=False)
        splits = {"holdout": None, "cv": {"folds": 5, "repeats": 1}}
        write_config(folder, {"features": "features.csv", "patients": None, "splits": splits})
        with stopwatch() as elapsed:
            done = snakemake(folder, "--cores", str(cores), "results/metrics.parquet")
        if done.returncode:
            sys.exit(done.stderr)
        fits = {
            path.stem: pd.read_table(path)["s"].item()
            for path in (folder / "results/benchmarks/fit_classifier").glob("*.tsv")
        }
        metrics = pd.read_parquet(folder / "results/metrics.parquet")
    slowest = ", ".join(f"{a} {fits[a]:.0f} s" for a in sorted(fits, key=fits.get)[:-4:-1])
    print(f"{metrics['arm'].nunique()} arms, five folds, tuned, on {cores} cores")
    print(f"{'features to metrics':<28}{elapsed.wall:>10.1f} s  (to be at most 900)")
    print(f"{'':<28}{elapsed.cpu:>10.1f} s of CPU; slowest {slowest}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
