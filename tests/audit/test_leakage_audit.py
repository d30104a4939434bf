"""The leakage audit: silent on real tables and phantoms, and every planted leak is named."""

import re

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from helpers.classes import CLASSES
from helpers.prediction_tables import make_cohort, make_predictions, make_splits
from livermets.audit.fingerprints import fingerprint
from livermets.audit.leakage_audit import (
    as_json,
    as_table,
    audit_data,
    audit_predictions,
    stop_on_findings,
)
from livermets.audit.near_duplicates import MAX_EXPECTED_PAIRS, compare_lesions
from livermets.audit.verdicts import Verdicts
from livermets.core.errors import BadInput
from livermets.features.features_table import feature_columns
from livermets.features.user_table import read_features
from livermets.lesions.components import label_lesions
from livermets.phantoms.phantom import make_phantom
from livermets.radiomics.extraction import LesionExtractor

COHORT = make_cohort()
SPLITS = make_splits(COHORT)
PREDICTIONS = make_predictions(COHORT, SPLITS, ["knn"])


def lesion_table(seed: int = 0, features: int = 30) -> pd.DataFrame:
    """Features of the cohort's lesions: five hidden numbers each, part of them the patient's."""
    rng = np.random.default_rng(seed)
    used = COHORT[COHORT["included"]]
    table = used.loc[used.index.repeat(used["n_lesions"].astype(int)), ["patient", "label"]]
    table = table.reset_index(drop=True)
    table["lesion"] = table.groupby("patient").cumcount() + 1
    own = dict(zip(used["patient"], rng.normal(size=(len(used), 5)), strict=True))
    hidden = np.stack(table["patient"].map(own)) + rng.standard_t(4, size=(len(table), 5))
    names = [f"original_glcm_F{i:02}" for i in range(features)]
    return table.join(pd.DataFrame(hidden @ rng.normal(size=(5, features)), columns=names))


TABLE = lesion_table()


def copied(table: pd.DataFrame, patient: str, name: str, noise: float = 0.0) -> pd.DataFrame:
    """The table with all lesions of a patient once more under another id."""
    again = table[table["patient"] == patient].assign(patient=name)
    columns = feature_columns(table)
    rng = np.random.default_rng(1)
    again[columns] += (
        noise * table[columns].std().to_numpy() * rng.normal(size=again[columns].shape)
    )
    return pd.concat([table, again], ignore_index=True)


def audited(
    cohort=COHORT, features=TABLE, splits=SPLITS, prints=None, different=(), trusted=(), stop_on=()
):
    return audit_data(cohort, features, splits, prints, Verdicts(different, trusted, stop_on))


def found(checks, outcome: str = "failed") -> list:
    return [f for check in checks for f in check.findings if f.outcome == outcome]


def only(checks, outcome: str = "failed"):
    findings = found(checks, outcome)
    assert len(findings) == 1, findings
    return findings[0]


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


def phantom(patient: str, number: int):
    size = {"colorectal": 4, "pancreatic": 8}
    label = CLASSES[number % 2]
    ct, mask = make_phantom(patient, label, CLASSES, 7, 1.0, (30, 96, 96), (2.5, 2.5, 3.0), size)
    return ct, mask, label_lesions(ct, mask)[0]


@pytest.fixture(scope="module")
def phantoms() -> dict[str, tuple]:
    return {f"D{i:02}": phantom(f"D{i:02}", i) for i in range(12)}


@pytest.fixture(scope="module")
def phantom_table(phantoms) -> pd.DataFrame:
    return pd.concat([radiomics(name, *images) for name, images in phantoms.items()])


def radiomics(name, ct, mask, lesions) -> pd.DataFrame:
    extractor = LesionExtractor({"binWidth": 25}, ["firstorder", "shape", "glcm"])
    rows = extractor.extract(ct, lesions)
    return pd.DataFrame(rows).assign(patient=name, label=CLASSES[int(name[1:3]) % 2])


def test_different_phantoms_share_nothing(phantoms, phantom_table):
    prints = {name: fingerprint(*images) for name, images in phantoms.items()}
    assert all(len(known["slices"]) == 30 for known in prints.values())
    cohort = phantom_table[["patient", "label"]].drop_duplicates().assign(included=True)
    checks = audited(cohort, phantom_table, SPLITS, prints)
    assert not found(checks)
    assert (
        compare_lesions(phantom_table, feature_columns(phantom_table)).pairs[0].expected
        > 10 * MAX_EXPECTED_PAIRS
    )


def test_a_phantom_scanned_again_with_other_noise_is_found_by_its_features(phantoms, phantom_table):
    ct, mask, lesions = phantoms["D05"]
    noise = np.random.default_rng(3).normal(0, 1, sitk.GetArrayViewFromImage(ct).shape)
    other = sitk.GetImageFromArray(np.rint(sitk.GetArrayFromImage(ct) + noise).astype(np.int16))
    other.CopyInformation(ct)
    both = pd.concat([phantom_table, radiomics("D05again", other, mask, lesions)])
    nearest = compare_lesions(both, feature_columns(both)).pairs[0]
    assert nearest.patients == ("D05", "D05again")
    assert nearest.expected < MAX_EXPECTED_PAIRS


# ---- images


def changed(image: sitk.Image, change) -> sitk.Image:
    array = np.ascontiguousarray(change(sitk.GetArrayFromImage(image)))
    result = sitk.GetImageFromArray(array)
    result.SetSpacing(image.GetSpacing())
    return result


@pytest.mark.parametrize(
    "change",
    [lambda a: a, lambda a: a[::-1], lambda a: a[:, :, ::-1], lambda a: a[6:24]],
    ids=["same", "upside down", "mirrored", "cut shorter"],
)
def test_one_ct_under_two_ids_is_found_even_flipped_or_cut(phantoms, change):
    prints = {name: fingerprint(*phantoms[name]) for name in ("D01", "D02")}
    prints["D03"] = fingerprint(*(changed(image, change) for image in phantoms["D01"]))
    shared = [f for f in found(audited(prints=prints)) if "CT slices" in f.text]
    assert [f.patients for f in shared] == [("D01", "D03")]
    slices = change(np.zeros((30, 2, 2))).shape[0]
    assert f"share {slices} of {slices} CT slices" in shared[0].text


def test_one_mask_on_two_cts_is_found_wherever_it_lies(phantoms):
    ct, mask, lesions = phantoms["D01"]
    moved = sitk.ConstantPad(mask, [5, 3, 1], [0, 0, 0])
    assert fingerprint(ct, mask, lesions)["mask"] == fingerprint(ct, moved, lesions)["mask"]
    prints = {"D01": fingerprint(ct, mask, lesions), "D02": fingerprint(*phantoms["D02"])}
    prints["D02"]["mask"] = prints["D01"]["mask"]
    assert "D01 and D02 have the same mask" in only(audited(prints=prints)).text


def test_one_lesion_in_two_patients_is_found_by_its_voxels(phantoms):
    ct, _, lesions = phantoms["D01"]
    other_ct, other_mask, other_lesions = (sitk.Image(image) for image in phantoms["D02"])
    largest = sitk.GetArrayFromImage(lesions) == 1
    hu, numbers = sitk.GetArrayFromImage(other_ct), sitk.GetArrayFromImage(other_lesions)
    hu[largest], numbers[largest] = sitk.GetArrayFromImage(ct)[largest], 99
    images = (
        changed(other_ct, lambda _: hu),
        other_mask,
        changed(other_lesions, lambda _: numbers),
    )
    prints = {"D01": fingerprint(*phantoms["D01"]), "D02": fingerprint(*images)}
    assert "D01 and D02 share all voxels of 1 lesion" in only(audited(prints=prints)).text


def test_empty_masks_and_padding_identify_nobody():
    air = sitk.GetImageFromArray(np.full((3, 40, 40), -1024, np.int16))
    nothing = sitk.GetImageFromArray(np.zeros((3, 40, 40), np.uint8))
    known = fingerprint(air, nothing, nothing)
    assert known == {"slices": [], "mask": None, "lesions": {}}
    assert not found(audited(prints={"A": known, "B": known}))


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


# ---- what a person decides


def question(checks, beginning: str):
    (check,) = (check for check in checks if check.title.startswith(beginning))
    return check


def with_suspicion(name: str) -> dict:
    """A study with one suspicion of each kind that `audit.stop_on` knows."""
    number = TABLE["patient"].str[1:].astype(float)
    score = (TABLE["label"] == CLASSES[0]) + np.random.default_rng(2).normal(0, 0.2, len(TABLE))
    nearly = COHORT["label"].map(dict(zip(CLASSES, "AB", strict=True)))
    nearly.iloc[0] = "B"
    ids = COHORT.replace({"patient": {"P07": "P05_b"}})
    return {
        "similar_ids": {"cohort": ids},
        "near_copies": {"features": TABLE.assign(mystery=number.replace({3.0: 17.0, 17.0: 3.0}))},
        "telling_columns": {"features": TABLE.assign(mystery=score)},
        "telling_sites": {"cohort": COHORT.assign(site=nearly)},
    }[name]


@pytest.mark.parametrize(
    ("suspicion", "said"),
    [
        ("similar_ids", "P05 and P05_b may be one person"),
        ("near_copies", "mystery is a copy of the patient's id but for 2 of 24 patients"),
        ("telling_columns", r"mystery \(an AUC of (1.000|0.99\d) for"),
        ("telling_sites", r"site and class go together \(Cramér's V 0.9\d"),
    ],
    ids=str,
)
def test_a_suspicion_is_listed_with_its_value_and_stops_where_the_config_says_so(suspicion, said):
    study = with_suspicion(suspicion)
    listed = audited(**study)
    stop_on_findings(listed)
    assert re.search(said, only(listed, "warned").text)
    with pytest.raises(BadInput, match=rf"{said}.*take `{suspicion}` out of `audit.stop_on`"):
        stop_on_findings(audited(**study, stop_on=[suspicion]))


def test_columns_that_a_person_trusts_are_not_listed_as_telling_and_it_is_said():
    checks = audited(**with_suspicion("telling_columns"), trusted=["mystery"])
    assert not found(checks, "warned")
    assert "trusted by a person: mystery" in question(checks, "Does one column").looked_at
    assert not found(
        audited(**with_suspicion("near_copies"), trusted=["mystery"], stop_on=["near_copies"])
    )


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


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ({"different": [["P05", "P99"]]}, "known_distinct_pairs` names P99"),
        ({"trusted": ["glcm"]}, "trusted_columns` names glcm"),
    ],
    ids=["a patient", "a column"],
)
def test_a_verdict_about_something_unknown_is_refused(verdict, said):
    with pytest.raises(BadInput, match=said):
        audited(**verdict)


def test_each_pair_of_three_ids_has_to_be_compared_before_they_count_as_three_persons():
    cohort = COHORT.replace({"patient": {"P07": "P05_b", "P09": "P05_c"}})
    ids = ["P05", "P05_b", "P05_c"]
    one = audited(cohort, different=[ids[:2]], stop_on=["similar_ids"])
    assert set(only(one).patients) == set(ids)
    every = [["P05", "P05_b"], ["P05_b", "P05_c"], ["P05_c", "P05"]]
    assert not found(audited(cohort, different=every, stop_on=["similar_ids"]))


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


def test_images_without_anything_to_hash_could_not_be_looked_at():
    nothing = {"slices": [], "mask": None, "lesions": {}}
    checks = audited(prints={"A": nothing, "B": nothing})
    assert question(checks, "Do two patients share a CT").outcome == "not looked at"
