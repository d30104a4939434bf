"""A study by site and by a given split, with every kind of arm, as its users run it."""

import pandas as pd
import pytest
from helpers.run_study import SMALL, feature_table, snakemake, write_config
from livermets.study.arms import classifier_arms

SCHEMES = {
    "holdout": None,
    "cv": None,
    "given": True,
    "site": {"test": "each", "validation": 0},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A finished study of 24 patients of three sites, one of them with patients of one class.

    The sheet divides them as well. Patients count alike in training, and the threshold is theirs.
    """
    folder = tmp_path_factory.mktemp("evidence")
    table = feature_table().assign(volume_ml=1.0, clinical_sex="f")
    table.loc[::3, ["volume_ml", "clinical_sex"]] = [2.0, "m"]
    table.to_csv(folder / "mine.csv", index=False)
    classification = {"models": ["knn", "naive_bayes"], "resampling": ["none", "weights"]}
    classification |= {
        "weigh": "patients",
        "tuning": SMALL,
        "baselines": ["majority", "site", "radiomics_clinical"],
    }
    write_config(
        folder,
        {
            "features": "mine.csv",
            "splits": SCHEMES,
            "classification": classification,
            "evaluation": {"threshold": "youden", "threshold_level": "patient"},
        },
    )
    sheet = table.drop_duplicates("patient")[["patient", "label"]].reset_index(drop=True)
    sheet["site"] = ["Mannheim" if number < 12 else "Heidelberg" for number in sheet.index]
    sheet.loc[sheet.index[18::2], "site"] = "3"
    sheet["split"] = ["test" if number // 2 % 3 == 0 else "train" for number in sheet.index]
    sheet.to_csv(folder / "config/patients.tsv", sep="\t", index=False)
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_given_split_and_every_site_are_tested(study):
    splits = pd.read_parquet(study / "results/splits.parquet")
    assert list(splits["split"].unique()) == ["given", "site-3", "site-Heidelberg", "site-Mannheim"]
    metrics = pd.read_parquet(study / "results/metrics.parquet")
    patients = metrics.groupby("scheme")["n_patients"].max()
    assert patients.to_dict() == {"given": 8, "site": 24}
    flow = (study / "results/figures/flow.svg").read_text()
    assert "Given split" in flow
    assert "each of 3 sites tested in turn" in flow


def test_a_site_of_one_class_is_tested_and_the_report_says_what_it_does_not_have(study):
    splits = pd.read_parquet(study / "results/splits.parquet")
    tested = splits[(splits["split"] == "site-3") & (splits["role"] == "test")]
    assert len(tested) == 3
    note = "3: all patients are of class colorectal: they are tested and train for the other sites"
    assert note in (study / "results/logs/split_patients.log").read_text()
    page = (study / "results/report.html").read_text()
    assert note.removeprefix("3: ") in page
    for arm in ("knn-none", "baseline_majority"):
        predictions = pd.read_parquet(study / f"results/predictions/{arm}.parquet")
        assert set(predictions.loc[predictions["split"] == "site-3", "patient"]) == set(
            tested["patient"]
        )


def test_patients_counted_alike_and_nearest_neighbours_could_not(study):
    chosen = pd.read_table(study / "results/models/knn-none/chosen.tsv")
    assert chosen["note"].str.contains("cannot weigh lesions").all()
    assert chosen["threshold"].between(0, 1).all()
    page = (study / "results/report.html").read_text()
    assert "Patients counted alike" in page
    assert "patients, by the mean score of their lesions" in page


def test_every_kind_of_arm_stands_in_the_table(study):
    table3 = pd.read_table(study / "results/tables/table3.tsv")
    arms = classifier_arms(["knn", "naive_bayes"], ["none", "weights"])
    assert "knn-weights" not in arms
    assert set(table3["arm"]) == {
        *arms,
        *("selected", "baseline_majority", "baseline_site", "baseline_radiomics_clinical"),
    }
    assert set(table3.loc[table3["arm"] == "selected", "model"]) == {
        "Selected by inner cross-validation"
    }
    page = (study / "results/report.html").read_text()
    for words in ("Leave one site out", "Given split", "class weights", "Radiomics and clinical"):
        assert words in page


def test_what_was_chosen_in_every_split_is_in_the_results(study):
    chosen = pd.read_table(study / "results/models/selected/chosen.tsv")
    assert list(chosen["split"]) == ["given", "site-3", "site-Heidelberg", "site-Mannheim"]
    reports = [
        pd.read_table(study / f"results/models/{arm}/chosen.tsv")
        for arm in chosen["chosen"].unique()
    ]
    own = pd.concat(reports).set_index(["arm", "split"])
    for row in chosen.itertuples():
        assert own.at[(row.chosen, row.split), "inner_auc"] == row.inner_auc
        assert own.at[(row.chosen, row.split), "parameters"] == row.parameters


def test_a_site_scheme_without_sites_is_refused_before_anything_runs(tmp_path):
    table = feature_table()
    table.to_csv(tmp_path / "mine.csv", index=False)
    write_config(tmp_path, {"features": "mine.csv", "splits": {"site": {}}, "patients": None})
    refused = snakemake(tmp_path, "-n")
    assert refused.returncode != 0
    assert "`splits.site` needs the column `site` of a cohort sheet" in refused.stderr
    write_config(tmp_path, {"features": "mine.csv", "splits": {"site": {}}})
    sheet = table.drop_duplicates("patient")[["patient", "label"]].assign(site="St. Georg")
    sheet.to_csv(tmp_path / "config/patients.tsv", sep="\t", index=False)
    refused = snakemake(tmp_path, "-n")
    assert refused.returncode != 0
    assert "has the site 'St. Georg'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_unknown_classifier_is_refused_with_the_nearest(tmp_path):
    feature_table().to_csv(tmp_path / "mine.csv", index=False)
    config = {"features": "mine.csv", "patients": None, "classification": {"models": ["xgbost"]}}
    write_config(tmp_path, config)
    refused = snakemake(tmp_path, "-n")
    assert refused.returncode != 0
    assert "no 'xgbost'; did you mean `xgboost`?" in refused.stderr
