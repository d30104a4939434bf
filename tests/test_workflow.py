"""The workflow as its users run it: dry-runs, whole small studies, reruns and refusals.

The studies here are small enough to run in seconds: a feature table of two classes, and six tiny
phantoms with given masks.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import yaml

ROOT = Path(__file__).parent.parent
SNAKEMAKE = [str(Path(sys.executable).with_name("snakemake"))]
SMALL = {"iterations": 2, "folds": 2}


def snakemake(folder: Path, *options: str, snakefile: Path = ROOT / "Snakefile"):
    """Run Snakemake in a study's folder; returns the finished process with its whole output."""
    command = [*SNAKEMAKE, "--snakefile", str(snakefile), "--directory", str(folder)]
    return subprocess.run(
        [*command, "--cores", "2", *options],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        check=False,
    )


def jobs(process) -> dict[str, int]:
    """How many jobs of each rule a (dry-)run lists."""
    table = process.stdout.split("Job stats:")[-1]
    rows = [line.split() for line in table.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


def write_config(folder: Path, config: dict) -> None:
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config))


def feature_table(patients: int = 24, seed: int = 0) -> pd.DataFrame:
    """Two lesions a patient, one informative feature among five."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(patients):
        positive = number % 2
        for lesion in (1, 2):
            values = rng.normal(size=5) + [2.0 * positive, 0, 0, 0, 0]
            rows.append([f"A{number:02d}", lesion, ("colorectal", "pancreatic")[positive], *values])
    return pd.DataFrame(rows, columns=["patient", "lesion", "label", *"abcde"])


@pytest.fixture(scope="module")
def table_study(tmp_path_factory) -> Path:
    """A finished study that started from a feature table."""
    folder = tmp_path_factory.mktemp("table_study")
    feature_table().to_csv(folder / "mine.csv", index=False)
    config = {"features": "mine.csv", "patients": None, "evaluation": {"draws": 200}}
    config["splits"] = {"cv": {"folds": 2}}
    config["classification"] = {"models": ["knn", "naive_bayes"], "resampling": ["none", "smote"]}
    config["classification"]["tuning"] = SMALL
    write_config(folder, config)
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def image_study(tmp_path_factory) -> Path:
    """A finished study of small phantoms with given masks; patient B0's mask has no liver."""
    folder = tmp_path_factory.mktemp("image_study")
    rows = ["patient\tlabel\tct\tmask"]
    for number in range(13):
        name, label = f"B{number}", ("colorectal", "pancreatic")[number % 2]
        rows.append(f"{name}\t{label}\tphantoms/{name}.ct.nii.gz\tphantoms/{name}.mask.nii.gz")
    (folder / "config").mkdir()
    (folder / "config/patients.tsv").write_text("\n".join(rows) + "\n")
    config = {
        "on_bad_patient": "exclude",
        "phantoms": {
            "size": [20, 64, 64],
            "spacing_mm": [4.0, 4.0, 5.0],
            "lesions_per_class": {"colorectal": 2, "pancreatic": 3},
        },
        "lesions": {"min_diameter_mm": 3.0},
        "splits": {"holdout": {"test_per_class": 1, "validation": 2}, "cv": {"folds": 2}},
        "classification": {"models": ["logistic_regression"], "resampling": ["none"]},
        "densenet": None,
        "evaluation": {"draws": 200},
    }
    config["classification"]["tuning"] = SMALL
    config["splits"]["cv"]["validation"] = 0
    write_config(folder, config)
    made = snakemake(folder, "phantoms/B0.mask.nii.gz")
    assert made.returncode == 0, made.stderr
    empty = sitk.ReadImage(str(folder / "phantoms/B0.mask.nii.gz")) * 0
    sitk.WriteImage(empty, str(folder / "phantoms/B0.mask.nii.gz"))
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr
    return folder


def copied_workflow(folder: Path) -> Path:
    """A copy of the workflow whose modules a test may edit."""
    for name in ("Snakefile", "workflow", "envs", "profiles"):
        target = folder / name
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
    return folder / "Snakefile"


def test_a_fresh_clone_lists_the_whole_demo_study(tmp_path):
    demo = tmp_path / "demo"
    shutil.copytree(ROOT / "tests/demo/config", demo / "config")
    config = yaml.safe_load((demo / "config/config.yaml").read_text())
    for model in config["segmentation"]["models"]:
        model["path"] = str(ROOT / "resources/demo/model.zip")
    write_config(demo, config)
    listed = snakemake(demo, "-n")
    assert listed.returncode == 0, listed.stderr
    found = jobs(listed)
    assert found["phantom"] == found["import_ct"] == found["split_lesions"] == 24
    assert found["segment"] == 22  # two patients come with a mask
    assert found["fit_classifier"] == 27
    assert found["fit_baseline"] == 4
    assert found["train_densenet"] == 5
    assert found["gather_features"] == found["evaluate"] == found["render_report"] == 1


def test_lint_has_nothing_to_say():
    linted = snakemake(ROOT / "tests/demo", "--lint")
    assert linted.returncode == 0, linted.stderr


def test_a_feature_table_becomes_a_report(table_study):
    assert (table_study / "results/report.html").stat().st_size > 10_000
    arms = {path.stem for path in (table_study / "results/predictions").glob("*.parquet")}
    assert arms >= {"knn-none", "knn-smote", "naive_bayes-none", "baseline_majority"}
    prediction = pd.read_parquet(table_study / "results/predictions/knn-none.parquet")
    assert list(prediction) == ["arm", "split", "patient", "lesion", "label", "score"]


def test_a_second_run_does_nothing(table_study):
    again = snakemake(table_study, "-n")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_a_changed_classifier_setting_reruns_classifiers_alone(table_study, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(table_study, folder)
    config = yaml.safe_load((folder / "config/config.yaml").read_text())
    config["classification"]["tuning"]["iterations"] = 3
    write_config(folder, config)
    listed = snakemake(folder, "-n")
    assert listed.returncode == 0, listed.stderr
    found = jobs(listed)
    assert found["fit_classifier"] == 4
    assert not {"divide", "read_features", "fit_baseline", "feature_importance"} & set(found)


def test_an_edited_module_reruns_what_it_serves(table_study, tmp_path):
    snakefile = copied_workflow(tmp_path)
    same = snakemake(table_study, "-n", snakefile=snakefile)
    assert "Nothing to be done" in same.stdout + same.stderr
    with open(tmp_path / "workflow/livermets/baselines.py", "a") as module:
        module.write("\n# edited\n")
    found = jobs(snakemake(table_study, "-n", snakefile=snakefile))
    assert {"fit_baseline", "evaluate"} <= set(found)
    assert not {"divide", "read_features", "fit_classifier"} & set(found)


def test_a_users_own_predictions_stand_in_the_table(table_study, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(table_study, folder)
    mine = pd.read_parquet(folder / "results/predictions/knn-none.parquet")
    mine["arm"] = "my_reader"
    mine.to_parquet(folder / "results/predictions/my_reader.parquet", index=False)
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr
    metrics = pd.read_parquet(folder / "results/metrics.parquet")
    assert "my_reader" in set(metrics["arm"])


def test_images_become_a_report_and_the_bad_patient_is_named(image_study):
    cohort = pd.read_csv(image_study / "results/cohort.tsv", sep="\t").set_index("patient")
    assert not cohort.at["B0", "included"]
    assert "liver" in cohort.at["B0", "reason"]
    assert cohort.drop("B0")["included"].all()
    features = pd.read_parquet(image_study / "results/features.parquet")
    assert "B0" not in set(features["patient"])
    assert "B0" in (image_study / "results/report.html").read_text()


def test_a_corrected_mask_reruns_that_patient_alone_and_is_not_overwritten(image_study, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(image_study, folder)
    (folder / "corrections").mkdir()
    corrected = folder / "corrections/B1.nii.gz"
    shutil.copy(folder / "phantoms/B1.mask.nii.gz", corrected)
    before = corrected.read_bytes()
    listed = jobs(snakemake(folder, "-n"))
    assert listed["review"] == listed["split_lesions"] == 1
    assert "import_ct" not in listed
    done = snakemake(folder, "results/masks/B1.json")
    assert done.returncode == 0, done.stderr
    assert '"source": "corrected"' in (folder / "results/masks/B1.json").read_text()
    assert corrected.read_bytes() == before


def test_by_default_a_bad_patient_stops_the_study_with_one_message(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/patients.tsv").write_text(
        "patient\tlabel\tct\tmask\nC1\tcolorectal\tnowhere/C1\tm.nii.gz\n"
    )
    write_config(tmp_path, {})
    done = snakemake(tmp_path)
    assert done.returncode != 0
    assert "patient C1: " in done.stderr
    assert "nowhere/C1" in done.stderr
    assert "Traceback" not in (tmp_path / "results/logs/import_ct/C1.log").read_text()


@pytest.mark.parametrize(
    ("config", "sheet", "words"),
    [
        ({"radiomics": {"fanout": 1}}, "", ["radiomics.fanout", "fan_out"]),
        ({}, "A/1\tcolorectal\tx\tm\n", ["row 2", "A/1"]),
        ({}, "A\tcolorectal\tx\t\n", ["patient A", "mask", "segmentation.models"]),
        ({"features": "none.csv", "patients": None}, "", ["none.csv", "does not exist"]),
    ],
)
def test_a_mistake_is_refused_before_anything_runs(tmp_path, config, sheet, words):
    write_config(tmp_path, config)
    (tmp_path / "config/patients.tsv").write_text("patient\tlabel\tct\tmask\n" + sheet)
    done = snakemake(tmp_path, "-n")
    assert done.returncode != 0
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
