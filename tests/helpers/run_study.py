"""Small studies for the tests, and Snakemake run in them as a person runs it."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml
from helpers.classes import CLASSES
from helpers.feature_tables import clustered_features, feature_names

ROOT = Path(__file__).parents[2]
SNAKEMAKE = [str(Path(sys.executable).with_name("snakemake"))]
SMALL = {"iterations": 2, "folds": 2}


def command(folder: Path, *options: str, snakefile: Path = ROOT / "Snakefile") -> list[str]:
    """The command line of Snakemake in a study's folder, on two cores."""
    where = ["--snakefile", str(snakefile), "--directory", str(folder)]
    return [*SNAKEMAKE, *where, "--cores", "2", *options]


def snakemake(
    folder: Path,
    *options: str,
    snakefile: Path = ROOT / "Snakefile",
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in a study's folder; returns the finished process with its whole output."""
    return subprocess.run(
        command(folder, *options, snakefile=snakefile),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env=environment,
        check=False,
    )


def jobs(process) -> dict[str, int]:
    """How many jobs of each rule a (dry-)run lists."""
    table = process.stdout.split("Job stats:")[-1]
    rows = [line.split() for line in table.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


def write_config(folder: Path, config: dict) -> None:
    """The study's config.yaml; keys left out have their defaults."""
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config))


def write_sheet(folder: Path, rows: list[tuple[str, str, str, str]]) -> None:
    """The cohort sheet of (patient, label, ct, mask)."""
    lines = ["\t".join(row) for row in [("patient", "label", "ct", "mask"), *rows]]
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "config/patients.tsv").write_text("\n".join(lines) + "\n")


def feature_table(patients: int = 24, seed: int = 0) -> pd.DataFrame:
    """Two lesions a patient; the features a, b and c tell the classes apart, d and e do not."""
    table = clustered_features(patients, lesions=2, features=5, gain=2.0, cluster=0.0, seed=seed)
    table = table.drop(columns=["volume_ml", "burden"])
    table["patient"] = table["patient"].str.replace("P0", "A")
    return table.rename(columns=dict(zip(feature_names(table), "abcde", strict=True)))


def finished_table_study(folder: Path) -> Path:
    """The study of `write_table_study` in this folder, run to its report."""
    write_table_study(folder)
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr
    return folder


def write_table_study(folder: Path) -> None:
    """A study that starts from a feature table: four classifier arms, two folds and a hold-out."""
    feature_table().to_csv(folder / "mine.csv", index=False)
    classification = {"models": ["knn", "naive_bayes"], "resampling": ["none", "smote"]}
    write_config(
        folder,
        {
            "features": "mine.csv",
            "patients": None,
            "splits": {"cv": {"folds": 2}},
            "classification": {**classification, "tuning": SMALL},
        },
    )


def write_phantom_study(folder: Path, patients: int, **config) -> None:
    """A study of tiny phantoms B0, B1, ... with their true masks; classes alternate."""
    write_sheet(
        folder,
        [
            (name, label, f"phantoms/{name}.ct.nii.gz", f"phantoms/{name}.mask.nii.gz")
            for name, label in ((f"B{number}", CLASSES[number % 2]) for number in range(patients))
        ],
    )
    few = {"models": ["logistic_regression"], "resampling": ["none"], "tuning": {"iterations": 0}}
    write_config(
        folder,
        {
            "phantoms": {
                "size": [20, 64, 64],
                "spacing_mm": [4.0, 4.0, 5.0],
                "lesions_per_class": {"colorectal": 1, "pancreatic": 2},
            },
            "lesions": {"min_diameter_mm": 0},
            "splits": {
                "holdout": {"test_per_class": 1, "validation": 1},
                "cv": {"folds": 3, "validation": 0},
            },
            "classification": few,
            "densenet": None,
            **config,
        },
    )
