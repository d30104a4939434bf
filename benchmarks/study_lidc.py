"""The study on real lesions in number: LIDC-IDRI, all sizes and a subset of 5 to 10 mm.

`make study-lidc`, or `STUDY=folder` with it. The crops are `lidc_lesions` in the folder that
LIVERMETS_TEST_DATA names, or in `../shared/data`. Without them the study is skipped. Both studies
start from radiomics that livermets extracts, have every classifier with every way of resampling,
the arm selected by inner folds, the baselines, and lesion diameter as an arm beside them; they end
in `{folder}/all_sizes/results/report.html` and `{folder}/5_to_10_mm/results/report.html`.
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
    read_lesions,
    size_matched,
    write_study,
)
from livermets.evaluation.evaluate import REFERENCE
from livermets.report.formatting import with_interval
from livermets.study.arms import SELECTED, Arm

ROOT = Path(__file__).parents[1]
DATA = "lidc_lesions"
# The paper's hold-out tests 8 patients; here 359 can be tested.
SETTINGS: dict[str, Any] = {"splits": {"holdout": None, "cv": {"folds": 5}}}
STUDIES = {"all_sizes": None, "5_to_10_mm": (5, 10)}  # folder -> range of diameters in mm


def find_data() -> Path | None:
    """The folder of the crops; None where this machine does not have it."""
    folder = Path(os.environ.get("LIVERMETS_TEST_DATA") or ROOT.parent / "shared" / "data") / DATA
    return folder if (folder / "lesions.csv").is_file() else None


def run_snakemake(folder: Path, cores: int, *targets: str) -> None:
    """Run the workflow in a study's folder; prints a line for each job, with the time left."""
    command = [str(Path(sys.executable).with_name("snakemake")), *targets]
    options = ["--cores", str(cores), "--directory", str(folder), "--snakefile", "Snakefile"]
    quiet = ["--quiet", "host", "reason"]
    with subprocess.Popen(
        [*command, *options, *quiet], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as workflow:
        show = subprocess.run(
            [sys.executable, str(ROOT / "tests" / "demo" / "progress.py")],
            stdin=workflow.stdout,
            check=False,
        )
    if workflow.returncode or show.returncode:
        sys.exit(f"{folder}: the workflow stopped with an error, see above.")


def summary(folder: Path) -> list[str]:
    """AUC by patient and by lesion of size, of the selected arm and of the best arm."""
    metrics = pd.read_parquet(folder / "results" / "metrics.parquet")
    auc = metrics[(metrics["metric"] == "auc") & (metrics["scheme"] == "cv")]
    by_lesion = auc[auc["level"] == "lesion"].set_index("arm")
    by_patient = auc[auc["level"] == "patient"].set_index("arm")
    lines = [f"{'AUC (95 % interval)':<42}{'by patient':<20}by lesion"]
    for arm in (DIAMETER_ARM, REFERENCE, SELECTED):
        cells = [with_interval(*t.loc[arm, ["value", "low", "high"]]) for t in
                 (by_patient, by_lesion)]  # fmt: skip
        lines.append(f"{Arm.parse(arm).title:<42}{cells[0]:<20}{cells[1]}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the studies are written")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    data = find_data()
    if data is None:
        print(f"skipped: {DATA}/lesions.csv is not in the folder that LIVERMETS_TEST_DATA names")
        return
    start = time.monotonic()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    table = arguments.folder / "features.parquet"
    if not table.exists():
        extract_features(data, read_lesions(data)).to_parquet(table, index=False)
    features = pd.read_parquet(table)
    for name, limits in STUDIES.items():
        chosen = size_matched(features, *limits) if limits else features
        patients, lesions = chosen["patient"].nunique(), len(chosen)
        print(f"{name}: {patients} patients, {lesions} lesions", flush=True)
        folder = arguments.folder / name
        write_study(folder, chosen, SETTINGS)
        run_snakemake(folder, arguments.cores, "results/splits.parquet")
        add_diameter_arm(folder)
        run_snakemake(folder, arguments.cores)
        print("\n".join(summary(folder)))
        print(f"{folder / 'results' / 'report.html'}, {(time.monotonic() - start) / 60:.0f} min\n")


if __name__ == "__main__":
    main()
