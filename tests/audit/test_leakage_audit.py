"""The leakage audit: silent on a clean study and real tables, and every planted leak is named."""

import numpy as np
import pandas as pd
import pytest
from helpers.audited_study import COHORT, SPLITS, TABLE, audited, copied, found, only
from helpers.classes import CLASSES
from helpers.prediction_tables import make_predictions
from livermets.audit.leakage_audit import (
    as_json,
    as_table,
    audit_data,
    audit_predictions,
    stop_on_findings,
)
from livermets.audit.near_duplicates import compare_lesions
from livermets.core.errors import BadInput
from livermets.features.features_table import feature_columns
from livermets.features.user_table import read_features

PREDICTIONS = make_predictions(COHORT, SPLITS, ["knn"])


# ---- nothing to find


def test_a_clean_study_passes_and_says_what_it_looked_at():
    checks = audited() + audit_predictions(PREDICTIONS, SPLITS, COHORT)
    stop_on_findings(checks)
    assert not found(checks, "warned")
    content = as_json(checks)
    assert content["passed"] is True
    outcomes = {check["check"]: check["outcome"] for check in content["checks"]}
    assert outcomes["Do two patients share a CT?"] == "not applicable"
    assert outcomes["Did an arm test a patient it had learned from?"] == "passed"
    looked_at = " ".join(check["looked_at"] for check in content["checks"])
    for text in ("11 splits of 24 patients", f"30 features of {len(TABLE)} lesions", "8 arms"):
        assert text in looked_at
    assert len(as_table(content)) == len(checks)


@pytest.mark.parametrize("name", ["LNDb", "WORC-CRLM", "WORC-Lipo"])
def test_published_tables_raise_no_alarm_and_a_rounded_copy_of_one_patient_does(real_data, name):
    columns = {"patient": "ID", "lesion": "lesion", "label": "Target"}
    table = read_features(real_data / "radmlbench" / f"{name}.csv.gz", columns, ["0", "1"])
    patients = table[["patient", "label"]].assign(included=True)
    splits = patients[["patient"]].assign(split="holdout", role="train")
    checks = audit_data(patients, table, splits)
    assert not found(checks)
    assert not found(checks, "warned")
    again = table.iloc[[20]].assign(patient="copy")
    again[feature_columns(table)] = again[feature_columns(table)].round(2)
    both = pd.concat([table, again], ignore_index=True)
    pair = set(only(audit_data(patients, both, splits)).patients)
    assert pair == {"copy", table["patient"].iloc[20]}


# ---- features


@pytest.mark.parametrize("noise", [1e-9, 1e-3, 1e-2], ids=str)
def test_a_patient_under_two_ids_is_found_by_nearly_equal_features(noise):
    finding = only(audited(features=copied(TABLE, "P05", "P77", noise)))
    assert finding.patients == ("P05", "P77")
    assert "nearly the same features" in finding.text


def test_an_exact_copy_and_three_of_a_kind_are_found():
    both = copied(copied(TABLE, "P05", "P77", 1e-3), "P05", "P78", 1e-3)
    assert "P77" in {p for f in found(audited(features=both)) for p in f.patients}
    exact = found(audited(features=copied(TABLE, "P05", "P77")))
    assert {f.patients for f in exact} == {("P05", "P77")}
    assert any("same values in all 30 features" in f.text for f in exact)


def test_a_pair_that_a_person_compared_only_warns():
    both = copied(TABLE, "P05", "P77", 1e-3)
    checks = audited(features=both, different=[["P77", "P05"]])
    stop_on_findings(checks)
    assert "two patients" in only(checks, "warned").text


def test_coarse_features_and_few_lesions_give_no_verdict():
    coarse = TABLE.copy()
    coarse[feature_columns(TABLE)] = coarse[feature_columns(TABLE)].round(0).clip(-2, 2)
    assert compare_lesions(coarse, feature_columns(coarse)).pairs == []
    assert compare_lesions(TABLE.iloc[:10], feature_columns(TABLE)).pairs == []


def test_missing_values_do_not_hide_a_copy():
    both = copied(TABLE, "P05", "P77", 1e-4)
    both.loc[::7, "original_glcm_F03"] = np.nan
    both.loc[0, feature_columns(both)] = np.nan
    assert only(audited(features=both)).patients == ("P05", "P77")


@pytest.mark.parametrize(
    ("column", "what"),
    [
        (TABLE["label"].map({name: i + 7.0 for i, name in enumerate(CLASSES)}), "the label"),
        (TABLE["patient"].str[1:].astype(float) * 3, "the patient's id"),
        (np.arange(len(TABLE)) * 0.5, "the row number"),
    ],
    ids=["label", "patient", "row"],
)
def test_a_column_that_gives_the_answer_away_is_named(column, what):
    finding = only(audited(features=TABLE.assign(mystery=column)))
    assert f"the column mystery is a copy of {what}" in finding.text


def test_a_clinical_column_of_words_that_is_the_label_is_named():
    words = TABLE["label"].map({"colorectal": "colon", "pancreatic": "pancreas"})
    sex = TABLE["patient"].map(COHORT.set_index("patient")["sex"])
    checks = audited(features=TABLE.assign(clinical_origin=words, clinical_sex=sex))
    assert "clinical_origin is a copy of the label" in only(checks).text


def test_a_feature_without_a_single_mistake_is_pointed_out_and_stops_nothing():
    apart = TABLE["original_glcm_F00"] + 100.0 * (TABLE["label"] == CLASSES[0])
    checks = audited(features=TABLE.assign(original_glcm_F00=apart))
    assert not found(checks)
    assert "by original_glcm_F00 (an AUC of 1.000" in only(checks, "warned").text


def test_words_that_tell_the_class_of_every_patient_stop_the_study():
    words = TABLE["label"].map(dict(zip(CLASSES, ("colon_", "panc"), strict=True)))
    nested = words + np.where(words == "panc", "", TABLE["patient"].str[-1:])
    finding = only(audited(features=TABLE.assign(clinical_note=nested)))
    assert (
        "clinical_note may give the class away: its words tell the class of 24 of 24"
        in finding.text
    )
    trusted = audited(features=TABLE.assign(clinical_note=nested), trusted=["clinical_note"])
    assert not found(trusted)


def test_a_number_that_all_patients_of_one_class_lack_stops_the_study():
    known = TABLE["label"] == CLASSES[0]
    marker = pd.Series(np.random.default_rng(6).normal(size=len(TABLE))).where(known)
    finding = only(audited(features=TABLE.assign(marker=marker)))
    assert "marker may give the class away: whether it is missing tells" in finding.text


def test_what_could_not_be_looked_at_is_an_outcome_of_its_own():
    cohort = COHORT[COHORT["patient"].isin(["P01", "P02", "P03", "P04"])]
    few = TABLE[TABLE["patient"].isin(cohort["patient"])].groupby("patient").head(2)
    coarse = few.copy()
    coarse[feature_columns(few)] = (few[feature_columns(few)] > 0) * 1.0
    content = as_json(audited(cohort, coarse))
    outcomes = {check["check"]: check for check in content["checks"]}
    for title in (
        "Do two patients share a lesion's features?",
        "Is a lesion nearly the same as one of another patient?",
        "Does one column alone tell the class?",
    ):
        assert outcomes[title]["outcome"] == "not looked at"
        assert outcomes[title]["impossible"]
    rows = as_table(content).set_index("check")["finding"]
    assert rows["Does one column alone tell the class?"].startswith(
        "could not be looked at, because with 2 of 4 patients"
    )


# ---- patients and predictions


def test_a_patient_on_two_sides_is_named_with_the_split():
    twice = pd.DataFrame([("cv1-fold2", "P04", "train"), ("cv1-fold2", "P04", "test")])
    twice.columns = ["split", "patient", "role"]
    finding = only(audited(splits=pd.concat([SPLITS, twice]).drop_duplicates()))
    assert finding.patients == ("P04",)
    assert "train of cv1-fold2" in finding.text


def test_ids_that_differ_by_spelling_are_pointed_out():
    cohort = COHORT.copy()
    cohort.loc[:1, "patient"] = ["p-5", "P005"]
    assert set(only(audited(cohort), "warned").patients) == {"p-5", "P005", "P05"}


def test_sites_of_one_class_each_are_pointed_out():
    cohort = COHORT.assign(site=COHORT["label"].map({CLASSES[0]: "A", CLASSES[1]: "B"}))
    assert "scanner" in only(audited(cohort), "warned").text
    cohort["site"] = np.resize(["A", "A", "B", "B"], len(cohort))
    assert not found(audited(cohort), "warned")


def test_an_arm_that_tests_whom_it_learned_from_is_named():
    fold = SPLITS.query("split == 'cv1-fold1' and role == 'train'")["patient"].iloc[0]
    row = PREDICTIONS.iloc[[0]].assign(split="cv1-fold1", patient=fold, arm="mine")
    row["label"] = COHORT.set_index("patient").at[fold, "label"]
    finding = only(audit_predictions(pd.concat([PREDICTIONS, row]), SPLITS, COHORT))
    assert finding.patients == (fold,)
    assert (
        f"the arm mine tests patients who are not in the test part: {fold} in cv1-fold1 (train)"
        in (finding.text)
    )


def test_an_arm_with_other_labels_is_named():
    other = PREDICTIONS.query("arm == 'knn-none' and patient == 'P03'").assign(arm="mine")
    other["label"] = CLASSES[1]
    assert COHORT.set_index("patient").at["P03", "label"] == CLASSES[0]
    finding = only(audit_predictions(pd.concat([PREDICTIONS, other]), SPLITS, COHORT))
    assert finding.patients == ("P03",)


def test_all_that_stops_the_study_is_said_at_once_with_what_to_do():
    table = copied(TABLE, "P05", "P77", 1e-3).assign(
        mystery=lambda t: (t["label"] == CLASSES[0]) * 1
    )
    with pytest.raises(BadInput) as refusal:
        stop_on_findings(audited(features=table))
    for text in (
        "found 2 things",
        "P05 and P77",
        "audit.known_distinct_pairs",
        "mystery",
        "Remove mystery",
    ):
        assert text in str(refusal.value)
