"""The audit of the stacking: a test patient in its training, or below it, stops the study."""

import pandas as pd
import pytest
from helpers.audited_study import COHORT, SPLITS, found, only
from livermets.audit.fusion_training import fusion_checks
from livermets.audit.leakage_audit import stop_on_findings
from livermets.core.errors import BadInput
from livermets.fusion.inner_folds import divide_training_patients

LABELS = COHORT.set_index("patient")["label"].to_dict()
INNER = divide_training_patients(SPLITS, LABELS, 3, seed=1)
HELD_OUT = INNER[INNER["role"] == "test"].rename(columns={"split": "fold"})
SCORES = HELD_OUT[["fold", "patient"]].assign(
    split=HELD_OUT["fold"].str.partition("-inner")[0], lesion=1
)
TESTED = SPLITS.loc[(SPLITS["split"] == "holdout") & (SPLITS["role"] == "test"), "patient"].iloc[0]


def test_a_clean_stacking_passes_and_says_what_was_looked_at():
    checks = fusion_checks(SCORES, INNER, SPLITS)
    stop_on_findings(checks)
    assert [check.outcome for check in checks] == ["passed", "passed"]
    assert f"{len(SCORES):,} scores of 24 patients in 33 inner folds" in checks[0].looked_at


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(
            lambda scores, inner: (
                pd.concat(
                    [scores, scores[:1].assign(split="holdout", patient=TESTED)], ignore_index=True
                ),
                inner,
            ),
            id="in the stacking",
        ),
        pytest.param(
            lambda scores, inner: (
                scores,
                pd.concat(
                    [inner, inner[:1].assign(split="holdout-inner2", patient=TESTED, role="train")]
                ),
            ),
            id="in a model below it",
        ),
    ],
)
def test_a_test_patient_planted_in_the_training_stops_the_study(plant):
    checks = fusion_checks(*plant(SCORES, INNER), SPLITS)
    findings = found(checks[:1])
    assert findings[0].patients == (TESTED,)
    assert f"the stacking of holdout learned from patient {TESTED}" in findings[0].text
    with pytest.raises(BadInput, match="Delete results/fusion and run again"):
        stop_on_findings(checks)


def test_a_score_by_a_model_that_had_seen_the_patient_stops_the_study():
    patient = SCORES["patient"].iloc[0]
    fold = SCORES["fold"].iloc[0]
    inner = INNER.assign(
        role=INNER["role"].mask((INNER["patient"] == patient) & (INNER["split"] == fold), "train")
    )
    finding = only(fusion_checks(SCORES, inner, SPLITS))
    assert finding.text.startswith(f"the models of {fold} had seen patient {patient}")
