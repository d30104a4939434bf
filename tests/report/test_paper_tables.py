"""Tables 1 to 3."""

import pandas as pd
from helpers.classes import CLASSES
from helpers.prediction_tables import make_importance
from livermets.classification.baselines import clinical_table
from livermets.cohort.cohort_table import read_cohort
from livermets.report.paper_tables import read_table, table1, table3, write_tables


def test_table1_counts_included_patients_and_their_lesions(study):
    table = table1(study.cohort, CLASSES, ["age", "sex"]).set_index("characteristic")
    used = study.cohort[study.cohort["included"]]
    assert table.loc["Patients", "overall"] == "14"
    assert table.loc["Lesions", "overall"] == f"{used['n_lesions'].sum():.0f}"
    quartiles = used["age"].quantile([0.5, 0.25, 0.75])
    assert table.loc["age", "overall"] == "{:.1f} [{:.1f}, {:.1f}]".format(*quartiles)
    women = (used["sex"] == "F").sum()
    assert f"{women} ({100 * women / 14:.1f})" in set(table.loc["sex", "overall"])


def test_table1_takes_clinical_columns_as_the_sheet_has_them(study):
    cohort = study.cohort.assign(age=study.cohort["age"].astype(str), stage_t="", empty="")
    cohort.loc[0, "age"] = ""
    cohort.loc[1, "stage_t"] = "T2"
    table = table1(cohort, CLASSES, ["age", "stage_t", "empty"])
    age = table[table["characteristic"] == "age"].iloc[0]
    assert age["missing"] == "1"
    assert "[" in age["overall"]
    assert "empty" not in set(table["characteristic"])


def test_table1_and_the_clinical_baseline_take_the_same_columns_for_numbers(study):
    cohort = study.cohort.assign(age=study.cohort["age"].astype(str))
    for cell in ("unknown", ""):
        cohort.loc[cohort["included"].idxmax(), "age"] = cell
        ages = table1(cohort, CLASSES, ["age"]).query("characteristic == 'age'")["overall"]
        _, numbers, _ = clinical_table(
            pd.DataFrame({"clinical_age": cohort["age"].replace("", None)})
        )
        assert ages.str.contains("[", regex=False).any() == bool(numbers) == (cell == "")


def test_table3_has_every_arm_once_per_scheme_and_level(study):
    table = table3(study.metrics)
    assert len(table) == 8 * 2 * 3
    assert not table.duplicated(["scheme", "level", "arm"]).any()
    assert list(table["scheme"].drop_duplicates()) == ["holdout", "cv"]
    assert {"average_precision", "mcc", "calibration_slope", "net_benefit_high"} <= set(table)
    row = table.query("arm == 'knn-smote' and scheme == 'cv' and level == 'patient'").iloc[0]
    auc = study.metrics.query(
        "arm == 'knn-smote' and scheme == 'cv' and level == 'patient' and metric == 'auc'"
    ).iloc[0]
    assert (row["auc"], row["auc_low"], row["auc_high"]) == tuple(auc[["value", "low", "high"]])


def test_tables_are_written_the_same_from_files_and_frames(study, tmp_path):
    study.cohort.to_csv(tmp_path / "cohort.tsv", sep="\t", index=False)
    study.metrics.to_parquet(tmp_path / "metrics.parquet")
    options = {"classes": CLASSES, "clinical": ["age", "sex"], "importance": make_importance()}
    options |= {"differences": study.differences}
    frames = write_tables(tmp_path / "a", cohort=study.cohort, metrics=study.metrics, **options)
    files = write_tables(
        tmp_path / "b",
        cohort=read_cohort(tmp_path / "cohort.tsv"),
        metrics=read_table(tmp_path / "metrics.parquet"),
        **options,
    )
    assert set(frames) == {"table1", "table2", "table3", "differences", "confusion"}
    for name in frames:
        assert frames[name].read_bytes() == files[name].read_bytes(), name


def test_a_cohort_file_keeps_ids_as_text_and_reads_included(study, tmp_path):
    study.cohort.assign(patient="007").to_csv(tmp_path / "cohort.tsv", sep="\t", index=False)
    cohort = read_cohort(tmp_path / "cohort.tsv")
    assert set(cohort["patient"]) == {"007"}
    assert cohort["included"].sum() == 14
    assert (cohort["reason"].iloc[0], cohort["included"].dtype) == ("", bool)
