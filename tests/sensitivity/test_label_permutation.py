"""Label permutation: labels permuted between patients, and what the report says of them."""

import numpy as np
import pandas as pd
import pytest
from livermets.core.errors import BadInput
from livermets.report.sections.negative_controls import control_results
from livermets.sensitivity.label_permutation import count_intervals_excluding_chance, permute_labels
from livermets.study.config import load_config

PATIENTS = pd.DataFrame(
    {"patient": [f"P{i:02}" for i in range(30)], "label": ["a"] * 20 + ["b"] * 10}
)


def test_labels_are_permuted_between_patients_and_each_class_keeps_its_size():
    permuted = permute_labels(PATIENTS, 1)
    assert permuted.value_counts().to_dict() == {"a": 20, "b": 10}
    true = PATIENTS.set_index("patient")["label"]
    assert 0 < (permuted != true).sum() < 30
    assert permuted.equals(permute_labels(PATIENTS.sample(frac=1, random_state=2), 1))
    assert not permuted.equals(permute_labels(PATIENTS, 2))


def test_over_many_seeds_a_permuted_label_says_nothing_of_the_true_one():
    true = PATIENTS.set_index("patient")["label"]
    shares = [(permute_labels(PATIENTS, seed)[true == "b"] == "b").mean() for seed in range(300)]
    assert np.mean(shares) == pytest.approx(1 / 3, abs=0.03)


def aucs(low, high, patients=40, family="knn") -> pd.DataFrame:
    """Metrics of arms with these intervals."""
    rows = [
        {"arm": f"{family}{i}-none", "scheme": "cv", "level": "patient", "class": "",
         "metric": "auc", "value": (a + b) / 2, "low": a, "high": b, "n_patients": patients}
        for i, (a, b) in enumerate(zip(low, high, strict=True))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_arms_whose_interval_leaves_out_one_half_are_counted_beside_chance():
    low = [0.4] * 16 + [0.55, 0.6, 0.2, np.nan]
    high = [0.6] * 16 + [0.7, 0.8, 0.45, np.nan]
    baselines = aucs([0.9], [1.0], family="baseline_x")
    (count,) = count_intervals_excluding_chance(pd.concat([aucs(low, high), baselines]))
    assert (count["arms"], count["above"], count["below"]) == (20, 3, 1)  # a baseline counts, too
    assert count["expected"] == pytest.approx(1.0)
    assert count["allowed"] == 3  # P(more than 3 of 20) < .05 <= P(more than 2)


def test_more_than_chance_allows_is_warned_of_and_no_more_is_not():
    few, many = ([0.4] * (20 - n) + [0.6] * n for n in (2, 6))
    for low, warn in ((few, False), (many, True)):
        metrics = aucs(low, [0.8] * 20)
        found = control_results(["permuted_labels"], metrics, None, metrics)
        assert found["warn"] is warn
        assert sum(row["excludes"] for row in found["tables"][0]["rows"]) == sum(
            value > 0.5 for value in low
        )


def test_without_controls_there_is_no_section():
    assert control_results([], aucs([0.4], [0.6]), None, None) is None
    volume = control_results(["volume_only"], aucs([0.4], [0.6]), None, None)
    assert volume["volume"] and not volume["has_volume"]


def test_permuted_labels_need_a_division_that_can_be_made_anew():
    splits = {"holdout": None, "cv": None, "given": True}
    with pytest.raises(BadInput, match="permuted_labels.*splits.cv"):
        load_config({"controls": ["permuted_labels"], "splits": splits})
