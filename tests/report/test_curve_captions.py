"""Captions that say at which prevalence the decision curves are drawn."""

from dataclasses import replace

from helpers.classes import POSITIVE
from livermets.report.sections.curve_captions import prevalence_caption


def test_the_caption_names_the_target_prevalence(results):
    evaluation = {"threshold": 0.5, "target_prevalence": 0.15}
    given = replace(results, config=results.config | {"evaluation": evaluation})
    assert f"15% of the patients are {POSITIVE}" in prevalence_caption(given, given.metrics)


def test_without_a_target_the_caption_says_that_the_cohort_has_no_prevalence_of_its_own(results):
    caption = prevalence_caption(results, results.metrics)
    assert "in this cohort, 50%" in caption
    assert "no prevalence of its own" in caption
