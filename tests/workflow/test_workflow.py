"""The workflow as its users run it: dry-runs, whole small studies, reruns and refusals.

The studies here are small enough to run in seconds: a feature table of two classes, and seven
tiny phantoms with given masks.
"""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import yaml
from helpers.run_study import (
    ROOT,
    jobs,
    snakemake,
    write_config,
    write_phantom_study,
    write_sheet,
)


@pytest.fixture(scope="module")
def image_study(tmp_path_factory) -> Path:
    """A finished study of small phantoms with given masks; patient B0's mask has no liver."""
    folder = tmp_path_factory.mktemp("image_study")
    write_phantom_study(folder, 7, on_bad_patient="exclude")
    made = snakemake(folder, "phantoms/B0.mask.nii.gz")
    assert made.returncode == 0, made.stderr
    empty = sitk.ReadImage(str(folder / "phantoms/B0.mask.nii.gz")) * 0
    sitk.WriteImage(empty, str(folder / "phantoms/B0.mask.nii.gz"))
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr
    return folder


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
    assert found["make_phantom"] == found["import_ct"] == found["label_lesions"] == 20
    assert found["segment"] == 18  # two patients come with a mask
    assert found["fit_classifier"] == 27  # nine, each three ways
    assert found["fit_baseline"] == 5
    assert found["train_densenet"] == 5
    assert found["assemble_features"] == found["evaluate"] == found["render_report"] == 1


def test_lint_has_nothing_to_say():
    linted = snakemake(ROOT / "tests/demo", "--lint")
    assert linted.returncode == 0, linted.stderr


def test_a_feature_table_becomes_a_report(table_study):
    assert (table_study / "results/report.html").stat().st_size > 10_000
    arms = {path.stem for path in (table_study / "results/predictions").glob("*.parquet")}
    assert arms >= {"knn-none", "knn-smote", "naive_bayes-none", "baseline_majority"}
    prediction = pd.read_parquet(table_study / "results/predictions/knn-none.parquet")
    assert list(prediction) == ["arm", "split", "patient", "lesion", "label", "score"]


def test_a_finished_study_lists_the_time_of_every_stage_and_has_no_failure(table_study):
    times = pd.read_csv(table_study / "results/run_times.tsv", sep="\t")
    assert {"fit_classifier", "evaluate", "draw_figures", "split_patients"} <= set(times["stage"])
    assert (times["total_s"] > 0).all()
    assert times.set_index("stage").loc["fit_classifier", "jobs"] == 4
    assert "Run time and memory" in (table_study / "results/report.html").read_text()
    with (table_study / "results/failures.tsv").open(newline="") as handle:
        assert list(csv.DictReader(handle, delimiter="\t")) == []


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
    assert not {"split_patients", "read_features", "fit_baseline", "rank_features"} & set(found)


def test_a_users_own_predictions_stand_in_the_table(table_study, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(table_study, folder)
    mine = pd.read_parquet(folder / "results/predictions/knn-none.parquet")
    mine["arm"] = "my_reader"
    mine.to_parquet(folder / "results/predictions/my_reader.parquet", index=False)
    done = snakemake(folder, "results/metrics.parquet")
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
    ct = json.loads((image_study / "results/ct/B1.json").read_text())
    assert features.attrs["sha256"]["ct"]["B1"] == ct["sha256"]
    assert "B1" in features.attrs["sha256"]["masks"]
    assert "B0" in (image_study / "results/report.html").read_text()


def test_a_corrected_mask_reruns_that_patient_alone_and_is_not_overwritten(image_study, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(image_study, folder)
    (folder / "corrections").mkdir()
    corrected = folder / "corrections/B1.nii.gz"
    shutil.copy(folder / "phantoms/B1.mask.nii.gz", corrected)
    before = corrected.read_bytes()
    listed = jobs(snakemake(folder, "-n"))
    assert listed["select_mask"] == listed["label_lesions"] == 1
    assert "import_ct" not in listed
    done = snakemake(folder, "results/masks/B1.json")
    assert done.returncode == 0, done.stderr
    assert '"source": "corrected"' in (folder / "results/masks/B1.json").read_text()
    assert corrected.read_bytes() == before


def test_by_default_a_bad_patient_stops_the_study_with_one_message(tmp_path):
    write_sheet(tmp_path, [("C1", "colorectal", "nowhere/C1", "m.nii.gz")])
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
    ids=[
        "a key misspelt",
        "an id with a slash",
        "no mask and no model",
        "a table that is not there",
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


def test_patients_may_share_segmentation_jobs(tmp_path):
    write_sheet(tmp_path, [(f"P{k}", "colorectal", "ct.nii.gz", "") for k in range(5)])
    (tmp_path / "ct.nii.gz").touch()
    path = ROOT / "resources/demo/model.zip"
    model = {"name": "m", "path": str(path), "sha256": "0" * 64, "labels": {"liver": 1}}
    for per_job, expected in ((1, {"segment": 5}), (2, {"segment_batch": 3})):
        write_config(tmp_path, {"segmentation": {"models": [model], "patients_per_job": per_job}})
        listed = jobs(snakemake(tmp_path, "-n", "review"))
        assert {rule: n for rule, n in listed.items() if rule.startswith("segment")} == expected
        assert listed["select_mask"] == listed["check_mask"] == 5 and listed["render_worklist"] == 1


def test_given_masks_are_compared_with_automatic_ones_on_request(tmp_path):
    for name in ("ct.nii.gz", "m.nii.gz"):
        tmp_path.joinpath(name).touch()
    write_sheet(tmp_path, [(f"P{k}", "colorectal", "ct.nii.gz", "m.nii.gz") for k in range(3)])
    write_config(tmp_path, {})
    assert "segment" not in jobs(snakemake(tmp_path, "-n", "results/agreement.tsv"))
    write_config(tmp_path, {"masks": {"compare_automatic": True}})
    refused = snakemake(tmp_path, "-n")
    assert refused.returncode != 0 and "`masks.compare_automatic` needs a model" in refused.stderr
    path = ROOT / "resources/demo/model.zip"
    model = {"name": "m", "path": str(path), "sha256": "0" * 64, "labels": {"liver": 1}}
    write_config(
        tmp_path, {"masks": {"compare_automatic": True}, "segmentation": {"models": [model]}}
    )
    listed = jobs(snakemake(tmp_path, "-n", "results/agreement.tsv"))
    assert listed["segment"] == listed["compare_masks"] == 3


def test_a_patient_whose_segmentation_failed_is_out_at_the_review_with_the_way_back(tmp_path):
    hu = np.full((8, 20, 20), 90, np.int16)
    hu[:, :2] = -1000  # a CT without air or fat is refused
    hu[:, 9, 9] += np.arange(8, dtype=np.int16)  # and one image in all slices
    ct = sitk.GetImageFromArray(hu)
    sitk.WriteImage(ct, str(tmp_path / "ct.nii.gz"))
    write_sheet(tmp_path, [("P1", "colorectal", "ct.nii.gz", "")])
    model = {"name": "m", "path": str(ROOT / "resources/demo/model.zip"), "sha256": "0" * 64}
    models = [{**model, "labels": {"liver": 1}}]
    write_config(tmp_path, {"segmentation": {"models": models}, "on_bad_patient": "exclude"})
    assert snakemake(tmp_path, "results/ct/P1.json").returncode == 0
    failed = tmp_path / "results/segmentation/P1.nii.gz"  # as a job of several patients leaves it
    failed.parent.mkdir()
    failed.touch()
    done = snakemake(tmp_path, "results/masks/P1.json", "--rerun-triggers", "mtime")
    assert done.returncode == 0, done.stderr
    out = json.loads((tmp_path / "results/masks/P1.json").read_text())["excluded"]
    assert out["stage"] == "review" and "segmentation failed" in out["reason"]
    assert "delete results/segmentation/P1.nii.gz" in done.stderr
