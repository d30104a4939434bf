"""Sample size: the published examples of Riley et al., and what they mean for a small cohort."""

import numpy as np
import pytest
from livermets.cohort.sample_size import (
    _patients_per_parameter,
    _shrinkage_of_optimism,
    assumptions,
    describe_cohort,
    largest_r2,
    parameters_supported,
    patients_needed,
    r2_of_auc,
    risk_margin,
    smallest_class,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score


def test_the_worked_examples_of_the_bmj_are_met():
    """Riley et al. 2020: Figures 1, 3 and 5, and supplementary material S5."""
    assert patients_needed(1, 0.5, 0.1).risk == 385  # figure 1: 384.2
    assert 20 * _patients_per_parameter(0.1, 0.9) == pytest.approx(1698, abs=0.5)  # figure 3
    assert largest_r2(50 / 100) == pytest.approx(0.75, abs=5e-4)  # S5
    # figure 5: R² of .2 with .33 at most; a shrinkage of .924 and 1,079 patients for 20 parameters
    prevalence = 0.05
    assert largest_r2(prevalence) == pytest.approx(0.33, abs=0.005)
    assert _shrinkage_of_optimism(prevalence, 0.2) == pytest.approx(0.924, abs=0.001)
    assert 20 * _patients_per_parameter(0.2, 0.924) == pytest.approx(1078.9, abs=0.1)


def test_a_diagnostic_model_of_chagas_disease_needs_4_8_events_a_parameter():
    """Riley et al. 2018: 24 parameters, a prevalence of .174, a Cox–Snell R² of .288."""
    needed = patients_needed(24, 0.174, 0.288)
    assert needed.all_criteria == needed.optimism == 662
    assert (needed.shrinkage, needed.risk) == (623, 221)
    assert needed.all_criteria * 0.174 / 24 == pytest.approx(4.8, abs=0.005)


def test_an_r2_of_12_percent_with_8_parameters_and_a_prevalence_of_10_percent_needs_560():
    """As the package pmsampsize 1.1.3 computes it."""
    assert patients_needed(8, 0.1, 0.12).all_criteria == 560


@pytest.mark.parametrize("distance", [0.5, 1.2, 2.0], ids=["weak", "medium", "strong"])
def test_the_r2_of_an_auc_is_that_of_a_logistic_regression_in_many_patients(distance):
    """In 200,000 simulated patients; .005 is more than four standard errors."""
    rng = np.random.default_rng(1)
    positive = rng.random(200_000) < 0.3
    x = rng.normal(size=len(positive)) + distance * positive
    model = LogisticRegression(C=np.inf).fit(x[:, None], positive)
    loss = log_loss(positive, model.predict_proba(x[:, None])[:, 1])
    null = log_loss(positive, np.full(len(positive), positive.mean()))
    expected = 1 - np.exp(2 * (loss - null))
    ours = r2_of_auc(roc_auc_score(positive, x), positive.mean())
    assert ours == pytest.approx(expected, abs=0.005)


def test_the_published_auc_of_the_chagas_model_gives_about_its_published_r2():
    """A C statistic of .89 stands beside an R² of .288 in pmsampsize's examples."""
    assert r2_of_auc(0.89, 0.174) == pytest.approx(0.288, abs=0.02)


@pytest.mark.parametrize("patients", [20, 78, 400, 5000])
@pytest.mark.parametrize("r2", [0.05, 0.2, 0.5], ids=["5 %", "20 %", "50 %"])
def test_what_a_cohort_supports_is_the_most_that_does_not_need_more_patients(patients, r2):
    most = parameters_supported(patients, 0.4, r2)
    enough, too_few = (patients_needed(p, 0.4, r2) for p in (max(most, 0), most + 1))
    assert max(enough.shrinkage, enough.optimism) <= patients
    assert max(too_few.shrinkage, too_few.optimism) > patients


def test_the_papers_cohort_carries_a_handful_of_features():
    """78 patients, 31 of them pancreatic; the study measured 105 features of each lesion."""
    supported = [parameters_supported(78, 31 / 78, one.r2) for one in assumptions(31 / 78)]
    assert supported == sorted(supported)
    assert supported[0] <= 1
    assert supported[-1] < 10
    assert patients_needed(105, 31 / 78, r2_of_auc(0.8, 31 / 78)).all_criteria > 2000


def test_the_margin_of_the_overall_share_is_a_wald_interval_s():
    assert risk_margin(385, 0.5) == pytest.approx(0.05, abs=1e-4)


def test_the_class_with_the_fewest_patients_counts():
    assert smallest_class(["a"] * 5 + ["b"] * 3 + ["c"] * 4) == ("b", 3, 12)
    assert smallest_class(["b", "a"]) == ("a", 1, 2)


def test_the_sentence_names_patients_class_and_features():
    text = describe_cohort(["colorectal"] * 47 + ["pancreatic"] * 31)
    assert text == (
        "78 patients, 31 of class pancreatic, can carry few candidate features: "
        "1 at an AUC of 0.70, 2 at an AUC of 0.80, 3 at an AUC of 0.90 (Riley et al. 2020)"
    )
    assert describe_cohort(["colorectal"] * 9) == describe_cohort([]) == ""


@pytest.mark.parametrize(
    ("prevalence", "r2"),
    [(0.0, 0.1), (1.0, 0.1), (0.5, 0.0), (0.5, 0.76), (0.05, 0.4)],
    ids=["nobody", "everybody", "no signal", "above .75", "above .33"],
)
def test_impossible_assumptions_are_refused(prevalence, r2):
    with pytest.raises(ValueError, match="give one between"):
        patients_needed(3, prevalence, r2)
