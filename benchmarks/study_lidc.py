"""The study on real lesions in number: LIDC-IDRI, all sizes and a subset of 5 to 10 mm.

`make study-lidc`, or `STUDY=folder` with it, and `ARGS="..."` for the options below. The crops
are `lidc_lesions` in the folder that LIVERMETS_TEST_DATA names, or in `../shared/data`. Without
them the study is skipped. Both studies start from radiomics that livermets extracts, have every
classifier with every way of resampling (or those that `--models` and `--resampling` name), the arm
selected by inner folds, the baselines, and lesion diameter as an arm beside them; they end in
`{folder}/all_sizes/results/report.html` and `{folder}/5_to_10_mm/results/report.html`.

With `--densenet` a third study starts from the crops themselves, and trains DenseNet-121 at a
reduced size (`REDUCED`) beside two classifiers, alone and fused with radiomics; it ends in
`{folder}/densenet/results/report.html`. `--densenet 100` takes 100 patients, half of each class.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from lidc_cohort import (
    DIAMETER_ARM,
    add_diameter_arm,
    extract_features,
    first_patients,
    read_lesions,
    size_matched,
    write_image_study,
    write_study,
)
from livermets.evaluation.evaluate import REFERENCE
from livermets.report.formatting import with_interval
from livermets.study.arms import SELECTED, Arm
from livermets.study.names import DENSENET

ROOT = Path(__file__).parents[1]
DATA = "lidc_lesions"
# The paper's hold-out tests 8 patients; here 359 can be tested.
SETTINGS: dict[str, Any] = {
    "title": "Are these lung nodules benign or malignant?",
    "splits": {"holdout": None, "cv": {"folds": 5}},
}
REDUCED: dict[str, Any] = {
    "splits": {"holdout": None, "cv": {"folds": 3, "validation": 4}},
    "radiomics": {"fan_out": "patient"},
    "classification": {"models": ["logistic_regression", "xgboost"], "resampling": ["none"]},
    "slices": {"size": 64, "max_per_lesion": 4},
    "densenet": {"epochs": 6, "patience": 3, "batch_size": 16, "device": "auto", "threads": 2},
    "fusion": {"stacking": True, "folds": 2, "embeddings_beside_radiomics": True},
}  # of the study with DenseNet-121; the paper's is 224 pixels, every slice, 30 epochs
DENSENET_STUDY = "densenet"
STUDIES = {"all_sizes": None, "5_to_10_mm": (5, 10)}  # folder -> range of diameters in mm


def find_data() -> Path | None:
    """The folder of the crops; None where this machine does not have it."""
    folder = Path(os.environ.get("LIVERMETS_TEST_DATA") or ROOT.parent / "shared" / "data") / DATA
    return folder if (folder / "lesions.csv").is_file() else None


def run_snakemake(folder: Path, cores: int, *targets: str) -> None:
    """Run the workflow in a study's folder; it says how far it is and how long the rest takes."""
    command = [str(Path(sys.executable).with_name("snakemake")), *targets]
    options = ["--cores", str(cores), "--directory", str(folder), "--snakefile", "Snakefile"]
    quiet = ["--quiet", "host", "reason"]
    if subprocess.run([*command, *options, *quiet], cwd=ROOT, check=False).returncode:
        sys.exit(f"{folder}: the workflow stopped with an error, see above.")


def summary(folder: Path) -> list[str]:
    """AUC by patient and by lesion of size, of the selected arm and of DenseNet-121."""
    metrics = pd.read_parquet(folder / "results" / "metrics.parquet")
    auc = metrics[(metrics["metric"] == "auc") & (metrics["scheme"] == "cv")]
    by_lesion = auc[auc["level"] == "lesion"].set_index("arm")
    by_patient = auc[auc["level"] == "patient"].set_index("arm")
    lines = [f"{'AUC (95 % interval)':<42}{'by patient':<20}by lesion"]
    for arm in (DIAMETER_ARM, REFERENCE, SELECTED, DENSENET):
        if arm not in by_patient.index:
            continue
        cells = [with_interval(*t.loc[arm, ["value", "low", "high"]]) for t in
                 (by_patient, by_lesion)]  # fmt: skip
        lines.append(f"{Arm.parse(arm).title:<42}{cells[0]:<20}{cells[1]}")
    return lines


def run_from_features(
    folder: Path, features: pd.DataFrame, settings: dict[str, Any], cores: int
) -> None:
    """Run the study of a features table, with the diameter as an arm, to its report."""
    start = time.monotonic()
    print(f"{folder.name}: {describe(features)}", flush=True)
    write_study(folder, features, settings)
    run_snakemake(folder, cores, "results/splits.parquet")
    add_diameter_arm(folder)
    run_snakemake(folder, cores)
    finish(folder, start)


def run_from_crops(folder: Path, data: Path, lesions: pd.DataFrame, cores: int) -> None:
    """Run the study of the crops themselves, with DenseNet-121 at a reduced size, to its report."""
    start = time.monotonic()
    print(f"{folder.name}: {describe(lesions)}, slices and epochs reduced: {REDUCED}", flush=True)
    write_image_study(folder, data, lesions, SETTINGS | REDUCED)
    run_snakemake(folder, cores)
    finish(folder, start)


def describe(lesions: pd.DataFrame) -> str:
    """The numbers of patients and lesions in words."""
    return f"{lesions['patient'].nunique()} patients, {len(lesions)} lesions"


def finish(folder: Path, start: float) -> None:
    """Print what was found, where the report is and how long the study took."""
    print("\n".join(summary(folder)))
    minutes = (time.monotonic() - start) / 60
    print(f"{folder / 'results' / 'report.html'}, {minutes:.0f} min\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the studies are written")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--models", nargs="+", help="these classifiers instead of all")
    parser.add_argument("--resampling", nargs="+", help="these ways of resampling instead of all")
    parser.add_argument(
        "--densenet",
        type=int,
        nargs="?",
        const=sys.maxsize,
        metavar="PATIENTS",
        help="also the study with DenseNet-121, of all patients or of so many",
    )
    parser.add_argument("--patients", type=int, help="so many patients, half of each class")
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    data = find_data()
    if data is None:
        print(f"skipped: {DATA}/lesions.csv is not in the folder that LIVERMETS_TEST_DATA names")
        return
    arguments.folder.mkdir(parents=True, exist_ok=True)
    lesions = read_lesions(data)
    if arguments.patients:
        lesions = first_patients(lesions, arguments.patients)
    table = arguments.folder / "features.parquet"
    if not table.exists():
        extract_features(data, lesions).to_parquet(table, index=False)
    features = pd.read_parquet(table)
    features = features[features["patient"].isin(lesions["patient"])]
    chosen = {"models": arguments.models, "resampling": arguments.resampling}
    settings = SETTINGS | {
        "classification": {name: listed for name, listed in chosen.items() if listed}
    }
    for name, limits in STUDIES.items():
        part = size_matched(features, *limits) if limits else features
        run_from_features(arguments.folder / name, part, settings, arguments.cores)
    if arguments.densenet:
        lesions = first_patients(lesions, arguments.densenet)
        run_from_crops(arguments.folder / DENSENET_STUDY, data, lesions, arguments.cores)


if __name__ == "__main__":
    main()
