"""The answers to questions of reviewers."""

import pandas as pd
from livermets.report.sections.reviewer_questions import (
    dominant_patients,
    lesion_size,
    patient_overlap,
)


def test_a_patient_on_both_sides_is_named(study):
    splits = study.splits
    assert patient_overlap(splits).good is True
    leaking = pd.concat([splits, splits.iloc[:1].assign(role="test"), splits.iloc[:1]])
    leaking.iloc[-1, leaking.columns.get_loc("role")] = "train"
    answer = patient_overlap(leaking)
    assert answer.good is False
    assert splits["patient"].iloc[0] in answer.short


def test_a_patient_with_most_lesions_is_named_with_the_effective_number(study):
    cohort = study.cohort[study.cohort["included"]].copy()
    assert dominant_patients(cohort, study.metrics).good is True
    first = cohort.index[0]
    cohort.loc[first, "n_lesions"] = 500
    answer = dominant_patients(cohort, study.metrics)
    assert answer.good is False
    assert cohort.loc[first, "patient"] in answer.short
    assert any("500 of" in line and "tell as much as 1." in line for line in answer.detail)


def test_an_arm_beats_volume_only_where_its_own_interval_lies_above_one_half(study):
    pairs = study.differences.query("against == 'volume' and level == 'patient'").head(1)
    pairs = pairs.assign(difference=0.3, low=0.1, high=0.5, p=0.001, p_holm=0.001)
    arm, scheme = pairs.iloc[0][["arm", "scheme"]]
    row = (study.metrics["arm"] == arm) & (study.metrics["level"] == "patient")
    row &= (study.metrics["metric"] == "auc") & (study.metrics["scheme"] == scheme)
    for low, beats in ((0.45, 0), (0.55, 1)):
        metrics = study.metrics.copy()
        metrics.loc[row, "low"] = low
        answer = lesion_size(metrics, pairs)
        assert f"{beats} of 1 arms beat lesion volume" in answer.short
