"""Does correction matter: the study before correction, and what differs from the final one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.fold_auc import auc_within_folds
from helpers.prediction_tables import make_cohort, make_predictions, make_splits
from livermets.core.errors import BadInput
from livermets.evaluation.evaluate import evaluate
from livermets.report.figures.mask_correction import draw_mask_effect
from livermets.report.render import render_report
from livermets.report.sections.mask_correction import mask_results
from livermets.report.study_results import StudyResults
from livermets.sensitivity.correction_effect import (
    auc_differences,
    concordance,
    feature_agreement,
    list_patients,
)
from livermets.sensitivity.uncorrected_masks import fittable_splits, uncorrected_cohort
from scipy.stats import pearsonr

COHORT = make_cohort(16)
SPLITS = make_splits(COHORT)
FINAL = make_predictions(COHORT, SPLITS, ["knn"])


def uncorrected_predictions() -> pd.DataFrame:
    """Other scores; P03 has no lesion before correction, P04 two fewer, P05 one more."""
    table = make_predictions(COHORT, SPLITS, ["knn"], seed=5)
    table = table[table["patient"] != "P03"]
    last = table.groupby(["arm", "split", "patient"])["lesion"].transform("max")
    fewer = (table["patient"] == "P04") & (table["lesion"] > last - 2) & (last > 2)
    more = table[(table["patient"] == "P05") & (table["lesion"] == last)]
    return pd.concat([table[~fewer], more.assign(lesion=more["lesion"] + 1)], ignore_index=True)


# ---- AUCs


def test_both_aucs_are_those_of_the_patients_whom_both_tables_score():
    before = uncorrected_predictions()
    table = auc_differences(before, FINAL, CLASSES, POSITIVE)
    areas = []
    for predictions in (before, FINAL):
        arm = predictions[predictions["arm"] == "knn-smote"]
        arm = arm[arm["split"].str.startswith("cv") & (arm["patient"] != "P03")]
        repeats = arm.groupby(arm["split"].str[2])
        areas.append(np.mean([auc_within_folds(part, POSITIVE) for _, part in repeats]))
    row = table.query("arm == 'knn-smote' and scheme == 'cv' and level == 'lesion'").iloc[0]
    assert row["uncorrected"] == pytest.approx(areas[0], abs=1e-12)
    assert row["final"] == pytest.approx(areas[1], abs=1e-12)
    assert row["difference"] == pytest.approx(areas[1] - areas[0])
    assert row["low"] <= row["difference"] <= row["high"]
    assert (row["n_patients"], row["n_lost"]) == (15, 1)


def test_where_masks_are_the_same_the_auc_is_the_studys_and_there_is_nothing_to_compare():
    table = auc_differences(FINAL, FINAL, CLASSES, POSITIVE)
    assert (table["difference"] == 0).all()
    varies = table["final_low"] < table["final"]
    assert (table.loc[varies, "no_interval"] == "the two arms rank all pairs alike").any()
    assert table.loc[table["no_interval"] != "", ["low", "high", "p"]].isna().all(axis=None)
    assert (table["n_lost"] == 0).all()
    study = evaluate(FINAL, CLASSES, POSITIVE)
    study = study[study["metric"] == "auc"].set_index(["arm", "scheme", "level"])
    both = table.set_index(["arm", "scheme", "level"])
    assert len(both) == len(study)
    columns = ["final", "final_low", "final_high"]
    expected = study.loc[both.index, ["value", "low", "high"]]
    np.testing.assert_allclose(both[columns], expected, atol=1e-12)


def test_an_arm_that_only_one_study_has_is_left_out():
    before = FINAL[FINAL["arm"] != "knn-none"]
    found = auc_differences(before, FINAL, CLASSES, POSITIVE)
    assert set(found["arm"]) == set(FINAL["arm"]) - {"knn-none"}


# ---- features


def test_concordance_is_pearsons_correlation_times_the_loss_by_shift_and_scale():
    rng = np.random.default_rng(3)
    x = rng.normal(5, 2, 40)
    y = np.stack([x, x + 3, 2 * x, 0.7 * x + rng.normal(0, 2, 40) - 1, np.full(40, 2.0)], axis=1)
    values = np.stack([np.tile(x[:, None], 5), y], axis=1)
    values[:, 0, 4] = 2.0
    found = concordance(values)
    for i in range(4):
        scale = x.std() / y[:, i].std()
        shift = (x.mean() - y[:, i].mean()) ** 2 / (x.std() * y[:, i].std())
        expected = pearsonr(x, y[:, i])[0] * 2 / (scale + 1 / scale + shift)  # Lin 1989, eq. 3
        assert found[i] == pytest.approx(expected)
    assert found[0] == pytest.approx(1) and np.isnan(found[4])


def features_of(values: np.ndarray, lesions: list[int]) -> pd.DataFrame:
    table = pd.DataFrame({"patient": "P1", "lesion": lesions, "label": "a"})
    return table.assign(volume_ml=values, original_glcm_X=values**2, clinical_age=50)


def test_features_are_compared_lesion_by_lesion_whatever_their_numbers():
    values = np.arange(1.0, 7)
    after = features_of(values, [1, 2, 3, 4, 5, 6])
    before = features_of(values[[3, 0, 5, 1]] + 1, [1, 2, 3, 4])
    before.loc[1, "original_glcm_X"] = np.nan
    numbers = {"lesion_uncorrected": [1, 2, 3, 4], "lesion": [4, 1, 6, 2]}
    pairs = pd.DataFrame({"patient": "P1"} | numbers)
    found = feature_agreement(before, after, pairs).set_index("feature")
    assert list(found.index) == ["volume_ml", "original_glcm_X"]
    assert found.loc["volume_ml", "icc"] == pytest.approx(1)  # all are one larger
    paired = values[[3, 0, 5, 1]]
    expected = 2 * paired.var() / (2 * paired.var() + 1)
    assert found.loc["volume_ml", "concordance"] == pytest.approx(expected)
    assert found["lesions"].tolist() == [4, 3]


# ---- the study before correction


def facts(lesions: int, burden: float) -> dict:
    known = {"burden": burden, "liver_ml": 900.0, "parenchyma_hu": 91.0, "excluded": None}
    return {"n_lesions": lesions} | known


def test_the_cohort_before_correction_has_its_facts_and_nobody_more():
    out = {"excluded": {"stage": "review", "reason": "the automatic mask has no liver"}}
    changed = {"P01": facts(3, 0.5), "P02": facts(0, 0.0), "P03": out, "X1": facts(2, 0.1)}
    found = uncorrected_cohort(COHORT, changed).set_index("patient")
    before = COHORT.set_index("patient")
    assert found.loc["P01", ["n_lesions", "burden"]].tolist() == [3, 0.5]
    assert found["included"].sum() == before["included"].sum() - 2
    assert not found.loc[["P02", "P03", "X1", "X2"], "included"].any()
    same = found.index.difference(list(changed))
    assert found.loc[same, "burden"].equals(before.loc[same, "burden"])


def test_splits_that_cannot_learn_before_correction_are_left_out_with_a_word(caplog):
    table = pd.DataFrame({"patient": [f"P{i:02d}" for i in range(1, 17)]})
    table["label"] = np.where(np.arange(16) % 2, POSITIVE, CLASSES[0])
    assert fittable_splits(SPLITS, table, CLASSES).equals(SPLITS)
    test = SPLITS[(SPLITS["split"] == "holdout") & (SPLITS["role"] == "test")]["patient"]
    fewer = table[~table["patient"].isin(test)]
    with caplog.at_level("WARNING"):
        left = fittable_splits(SPLITS, fewer, CLASSES)
    assert "holdout" not in set(left["split"]) and "holdout" in caplog.text
    with pytest.raises(BadInput, match="`masks.compare_uncorrected: false`"):
        fittable_splits(SPLITS, table[table["label"] == POSITIVE], CLASSES)


# ---- the report


def test_the_report_counts_patients_lesions_and_steady_features(tmp_path):
    out = {"excluded": {"stage": "review", "reason": "the automatic mask has no liver"}}
    pairs = pd.DataFrame([("P01", 1, 1, 0.9), ("P01", 2, 3, 0.4)],
                         columns=["patient", "lesion_uncorrected", "lesion", "iou"])  # fmt: skip
    patients = list_patients(
        {"P01": {"source": "automatic"}, "P02": {"source": "given"}, "P03": out},
        {name: {"source": "corrected"} for name in ("P01", "P02", "P03")},
        {"P01": facts(3, 0.5), "P02": facts(0, 0.0), "P03": out},
        {"P01": 4, "P02": 1, "P03": 2},
        pairs,
    )
    features = pd.DataFrame(
        {"feature": ["volume_ml", "original_glcm_A", "original_glcm_B", "ring_glcm_A"],
         "lesions": [2, 2, 2, 2], "icc": [0.99, 0.95, 0.2, np.nan], "concordance": 0.5}
    )  # fmt: skip
    aucs = auc_differences(uncorrected_predictions(), FINAL, CLASSES, POSITIVE)
    for name, table in (("patients", patients), ("features", features), ("aucs", aucs)):
        table.to_csv(tmp_path / f"{name}.tsv", sep="\t", index=False)
    draw_mask_effect(aucs, tmp_path / "aucs.svg")
    found = mask_results(tmp_path)
    assert (found["patients"], found["lesions_uncorrected"], found["lesions"]) == (3, 3, 7)
    assert (found["paired"], found["without_lesion"]) == (2, 1)
    assert [one["patient"] for one in found["unusable"]] == ["P03"]
    by_class = {row["name"]: row for row in found["classes"]}
    assert list(by_class) == ["volume, diameter, mean HU", "glcm", "ring glcm"]
    assert (by_class["glcm"]["features"], by_class["glcm"]["excellent"]) == (2, "50 %")
    assert by_class["ring glcm"]["excellent"] == "–"  # nothing varied
    assert len(found["schemes"]) == 2
    first = found["schemes"][0]["rows"][0]["cells"]
    assert len(first) == 8 and first[2].count("–") + first[2].count(" to ") == 1
    config = {
        "title": "Which primary tumour?",
        "classes": CLASSES,
        "positive": POSITIVE,
        "seed": 1,
        "masks": {"compare_uncorrected": True},
    }
    config |= {"evaluation": {"threshold": 0.5}, "clinical": []}
    plain = {key: value for key, value in config.items() if key != "masks"}
    results = StudyResults(
        config,
        cohort=COHORT,
        splits=SPLITS,
        metrics=evaluate(FINAL, CLASSES, POSITIVE),
        figures=tmp_path,
    )
    assert ">Does correction matter?<" not in render_report(replace(results, config=plain))
    assert "nothing to compare" in render_report(results)
    page = render_report(replace(results, mask_comparison=tmp_path))
    for text in (
        "3 of 18 patients have two masks",
        "1 segmented automatically, then corrected by a reader",
        "1 unusable, then corrected by a reader",
        "2 are in both.\n1 patient has no lesion",
        "P03 could not be used before correction: the automatic mask has no liver.",
        "Cross-validation: AUC of 8 arms",
        first[2],
    ):
        assert text in page


def test_without_a_patient_of_two_masks_there_are_none_to_count():
    assert mask_results(None) == {"patients": 0}
