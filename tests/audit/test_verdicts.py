"""What a person decides about findings of the audit: known pairs, trusted columns, what stops."""

import re

import numpy as np
import pytest
from helpers.audited_study import COHORT, TABLE, audited, found, only, question
from helpers.classes import CLASSES
from livermets.audit.leakage_audit import stop_on_findings
from livermets.core.errors import BadInput


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
