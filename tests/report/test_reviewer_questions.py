"""The answers to three questions of reviewers."""

import pandas as pd
from livermets.report.sections.reviewer_questions import patient_overlap


def test_a_patient_on_both_sides_is_named(study):
    splits = study.splits
    assert patient_overlap(splits).good is True
    leaking = pd.concat([splits, splits.iloc[:1].assign(role="test"), splits.iloc[:1]])
    leaking.iloc[-1, leaking.columns.get_loc("role")] = "train"
    answer = patient_overlap(leaking)
    assert answer.good is False
    assert splits["patient"].iloc[0] in answer.short
