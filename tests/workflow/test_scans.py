"""Several scans of a patient, from the sheet to the report."""

import json

import pandas as pd
import pytest
from helpers.classes import CLASSES
from helpers.run_study import jobs, snakemake, write_phantom_study

# B0 to B3 have a baseline and a follow-up, the others one scan
SCANS = [(f"B{n}", scan) for n in range(8) for scan in ("baseline", "followup")[: 1 + (n < 4)]]
SMALL = {
    "radiomics": {"fan_out": "patient"},
    "classification": {"models": ["logistic_regression"], "resampling": ["none"],
                       "tuning": {"iterations": 0}, "baselines": ["volume", "burden"]},
    "splits": {"holdout": None, "cv": {"folds": 2, "validation": 0}},
    "controls": [],
    "slices": {"size": 32, "max_per_lesion": 2},
    "densenet": {"epochs": 1, "batch_size": 8, "device": "cpu"},
}  # fmt: skip


def write_scan_study(folder, scans=SCANS, **config) -> None:
    """A study of tiny phantoms with several scans of some patients."""
    write_phantom_study(folder, 1, **SMALL | config)
    rows = ["patient\tscan\tlabel\tct\tmask"]
    for patient, scan in scans:
        name = f"phantoms/{patient}@{scan}"
        label = CLASSES[int(patient[1:]) % 2]
        rows.append(f"{patient}\t{scan}\t{label}\t{name}.ct.nii.gz\t{name}.mask.nii.gz")
    (folder / "config/patients.tsv").write_text("\n".join(rows) + "\n")


def test_images_have_a_job_for_each_scan_and_the_study_one_cohort(tmp_path):
    write_scan_study(tmp_path)
    listed = snakemake(tmp_path, "-n")
    assert listed.returncode == 0, listed.stderr
    planned = jobs(listed)
    for rule in ("import_ct", "select_mask", "label_lesions", "slice_lesions", "draw_overlay"):
        assert planned[rule] == len(SCANS), rule
    assert planned["list_cohort"] == planned["split_patients"] == 1


@pytest.mark.slow
def test_two_scans_of_some_patients_become_a_report_by_patient(tmp_path):
    scans = [*SCANS, ("B4", "broken")]
    write_scan_study(tmp_path, scans, on_bad_patient="exclude")
    (tmp_path / "phantoms").mkdir()
    for end in ("ct", "mask"):
        (tmp_path / f"phantoms/B4@broken.{end}.nii.gz").write_text("no image")
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    results = tmp_path / "results"

    table = pd.read_table(results / "scans.tsv")
    cohort = pd.read_table(results / "cohort.tsv").set_index("patient")
    assert list(zip(table["patient"], table["scan"], strict=True)) == scans
    out = table[~table["included"]]
    assert ("B4", "broken") in set(zip(out["patient"], out["scan"], strict=True))
    assert cohort.loc["B4", "included"] and cohort.loc["B4", "n_scans"] == 2
    used = table[table["included"]].groupby("patient")["n_lesions"].sum()
    assert cohort.loc[used.index, "n_lesions"].astype(int).equals(used.astype(int))

    features = pd.read_parquet(results / "features.parquet")
    assert list(features.columns[:3]) == ["patient", "scan", "lesion"]
    assert not features.duplicated(["patient", "scan", "lesion"]).any()
    assert features.groupby("patient").size().equals(used.astype("int64").rename(None))

    splits = pd.read_parquet(results / "splits.parquet")
    assert not splits.duplicated(["split", "patient"]).any()
    keys = features[["patient", "scan", "lesion"]].sort_values(["patient", "scan", "lesion"])
    for arm in ("logistic_regression-none", "densenet121"):
        scored = pd.read_parquet(results / f"predictions/{arm}.parquet")
        scored = scored[["patient", "scan", "lesion"]].sort_values(["patient", "scan", "lesion"])
        assert scored.to_numpy().tolist() == keys.to_numpy().tolist(), arm

    metrics = pd.read_parquet(results / "metrics.parquet")
    assert set(metrics["n_patients"]) == {len(used)}
    assert set(metrics["n_lesions"]) == {len(features)}
    differences = pd.read_parquet(results / "differences.parquet")
    assert "lesion" in set(differences["level"])

    audit = json.loads((results / "audit.json").read_text())
    assert audit["passed"]
    flow = (results / "figures/flow.svg").read_text()
    assert f"Cohort sheet: 8 patients, {len(scans)} scans" in flow
    assert f"Analysed: {len(used)} patients, {int(table['included'].sum())} scans" in flow
    page = (results / "report.html").read_text()
    assert "B4, scan broken" in page
    assert (results / "review/B0@followup.png").stat().st_size
