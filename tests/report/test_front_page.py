"""The first page of the report: the main result in words, and what to know first."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.report import render
from livermets.cohort.sample_size import parameters_supported, r2_of_auc
from livermets.report.formatting import with_interval
from livermets.report.main_result import main_arm, main_result
from livermets.report.sections.cautions import capacity, cautions
from livermets.report.sections.front_page import about_chance, context, primary_pair, verdict

PAIR = ("knn-none", "baseline_volume")  # the primary comparison of these tests


def with_primary(study) -> pd.DataFrame:
    """The study's differences with `PAIR` in the cross-validation as the primary comparison."""
    pairs = study.differences
    of_pair = (pairs["arm"] == PAIR[0]) & (pairs["reference"] == PAIR[1])
    return pairs.assign(primary=of_pair & (pairs["level"] == "patient") & (pairs["scheme"] == "cv"))


def cautions_by_topic(results) -> dict:
    return {caution.topic: caution for caution in cautions(results, None)}


def test_phantoms_are_called_phantoms(results):
    assert "digital phantoms, not patients" in render(
        results, config=results.config | {"phantoms": {"patients": 3}}
    )


def test_a_study_of_another_organ_has_its_own_headline_and_speaks_of_no_liver(results):
    headline = "Are these lung nodules <benign> or malignant?"
    page = render(results, config=results.config | {"title": headline})
    assert page.count("Are these lung nodules &lt;benign&gt; or malignant?") >= 2  # tab and page
    first_page = page[page.index("<h1") : page.index('class="folds"')]
    assert "liver" not in first_page.replace("livermets", "").lower()


def test_the_first_page_says_whether_any_arm_beats_size_with_the_auc_of_size(results, study):
    shown = context(replace(results, differences=with_primary(study)))
    assert not shown["size"].beaten
    page = render(replace(results, differences=with_primary(study)))
    first_page = page[: page.index('class="folds"')]
    assert "No arm beats lesion size over all patients" in first_page
    auc = study.metrics.query("arm == 'baseline_volume' and scheme == 'cv' and level == 'patient'")
    volume = auc[auc["metric"] == "auc"].iloc[0]
    assert with_interval(volume["value"], volume["low"], volume["high"]) in first_page


@pytest.mark.parametrize(
    ("arms", "primary", "chosen"),
    [
        (["knn-none", "selected"], ("knn-none", "baseline_volume"), "knn-none"),
        (["knn-none", "selected"], None, "selected"),
        (["knn-none", "baseline_volume"], None, "knn-none"),
        (["knn-none", "knn-smote"], None, None),
        (["knn-none", "knn-smote"], ("selected", "baseline_volume"), None),
    ],
    ids=["primary", "selected", "the only one", "two could be meant", "primary not evaluated"],
)
def test_the_main_arm_is_never_the_best_of_several(arms, primary, chosen):
    assert main_arm(arms, primary) == chosen


def test_the_page_gives_the_auc_and_differences_of_the_tables(results, study):
    differences = with_primary(study)
    shown = context(replace(results, differences=differences))
    auc = study.metrics.query(
        "arm == 'knn-none' and scheme == 'cv' and level == 'patient' and metric == 'auc'"
    ).iloc[0]
    assert shown["main"]["auc"] == with_interval(auc["value"], auc["low"], auc["high"])
    assert shown["main"]["patients"] == auc["n_patients"]
    pair = differences[differences["primary"]].iloc[0]
    (volume,) = [row for row in shown["comparisons"] if row["primary"]]
    assert volume["difference"] == with_interval(pair["difference"], pair["low"], pair["high"])
    assert volume["title"] == "Lesion volume alone"
    assert [text.split(",")[0] for text in shown["other_schemes"]] == ["Hold-out"]
    page = render(results, differences=differences)
    assert page.index("Know this first") < page.index("<details")


def test_a_study_without_a_named_arm_puts_none_first(results):
    shown = context(results)
    assert (shown["main"], shown["verdict"], shown["comparisons"]) == (None, "", [])
    assert "none was named before the study" in render(results)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((0.51, 0.9), "leaves out 0.5"),
        ((0.5, 0.9), "chance is not ruled out"),
        ((0.1, 0.49), "below 0.5"),
        ((np.nan, np.nan), "no interval"),
    ],
    ids=["above", "touches", "below", "none"],
)
def test_an_interval_is_read_against_chance(interval, words):
    assert words in about_chance(*interval)


@pytest.mark.parametrize(
    ("own_low", "difference_low", "words"),
    [
        (0.6, 0.1, "beats"),
        (0.4, 0.1, "is not shown: its own interval does not lie above 0.5."),
        (0.6, -0.1, "is not shown: the interval of the difference does not lie above 0."),
    ],
    ids=["both hold", "arm at chance", "difference holds 0"],
)
def test_the_verdict_asks_for_both_intervals(results, study, own_low, difference_low, words):
    pair = primary_pair(replace(results, differences=with_primary(study))).copy()
    pair["low"], pair["p"] = difference_low, 0.01 if difference_low > 0 else 0.4
    metrics = study.metrics.copy()
    row = (metrics["arm"] == PAIR[0]) & (metrics["metric"] == "auc") & (metrics["class"] == "")
    metrics.loc[row & (metrics["level"] == "patient"), "low"] = own_low
    assert words in verdict(metrics, pair)


def test_the_main_result_leaves_out_the_majority_class_and_other_radiomics_arms(study):
    aucs = main_result(study.metrics, PAIR).aucs
    assert list(aucs)[:2] == list(PAIR)
    assert not {"baseline_majority", "knn-smote"} & set(aucs)
    assert "densenet121" in aucs


def test_automatic_masks_missing_audit_and_missing_controls_are_cautions(results):
    shown = cautions_by_topic(results)
    automatic = (results.included["mask_source"] == "automatic").sum()
    assert f"{automatic} of 14 masks are automatic" in shown["Masks"].text
    assert "no audit was run" in shown["Leaks"].text
    assert "No control" in shown["Controls"].text
    assert not any(shown[topic].good for topic in ("Masks", "Leaks", "Controls", "Other sites"))


def test_questions_that_do_not_apply_are_not_counted_as_asked(results):
    outcomes = ["passed", "passed", "warned", "not looked at", "not applicable"]
    audit = {"checks": [{"outcome": outcome, "looked_at": ""} for outcome in outcomes]}
    caution = cautions_by_topic(replace(results, audit=audit))["Leaks"]
    assert caution.text == (
        "The audit asked 4 questions. 2 found nothing; 1 named something that a person should "
        "check; 1 could not be answered."
    )
    assert not caution.good
    audit["checks"] = [{"outcome": "passed", "looked_at": ""}] * 3
    assert cautions_by_topic(replace(results, audit=audit))["Leaks"].good


def test_a_permutation_test_that_finds_nothing_is_a_caution(results):
    values = {"auc": 0.6, "mean": 0.5, "low": 0.3, "high": 0.7, "p": 0.3}
    test = {"patient": values, "scheme": "cv", "permutations": 100}
    assert not cautions_by_topic(replace(results, permutation_test=test))["Controls"].good
    test["patient"] = values | {"p": 0.01}
    assert cautions_by_topic(replace(results, permutation_test=test))["Controls"].good


def test_the_capacity_is_that_of_riley(results):
    labels = results.included["label"]
    share = labels.value_counts().min() / len(labels)
    supported = parameters_supported(len(labels), share, r2_of_auc(0.8, share))
    assert supported == 0
    assert "can carry no candidate feature" in capacity(results)
    many = pd.concat([results.cohort] * 10, ignore_index=True)
    supported = parameters_supported(10 * len(labels), share, r2_of_auc(0.8, share))
    text = capacity(replace(results, cohort=many))
    assert f"can carry {supported} candidate features" in text
