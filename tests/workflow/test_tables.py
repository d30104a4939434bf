"""Tables of the user through Snakemake: what is planned with is what the jobs read."""

import pandas as pd
from helpers.run_study import feature_table, snakemake, write_config


def test_one_workbook_may_hold_the_cohort_sheet_and_the_features(tmp_path):
    features = feature_table(24)
    sheet = features.drop_duplicates("patient")[["patient", "label"]].assign(age=range(24))
    with pd.ExcelWriter(tmp_path / "study.xlsx") as book:
        features.to_excel(book, sheet_name="features", index=False)
        sheet.to_excel(book, sheet_name="patients", index=False)
    write_config(
        tmp_path, {"features": "study.xlsx", "patients": "study.xlsx", "clinical": ["age"]}
    )
    done = snakemake(tmp_path, "results/cohort.tsv")
    assert done.returncode == 0, done.stderr
    found = pd.read_parquet(tmp_path / "results/features.parquet")
    pd.testing.assert_frame_equal(found[features.columns], features, rtol=1e-15)
    cohort = pd.read_csv(tmp_path / "results/cohort.tsv", sep="\t")
    assert cohort["age"].tolist() == list(range(24))


def test_a_table_that_cannot_be_read_ends_planning_with_one_line(tmp_path):
    (tmp_path / "mine.csv").write_text("patient;label;Mean\nA;colorectal;1,5\n")
    write_config(tmp_path, {"features": "mine.csv", "patients": None})
    done = snakemake(tmp_path, "-n")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "livermets: mine.csv: the cells are separated by semicolons and decimals" in done.stderr
