"""Captions that say at which prevalence the decision curves are drawn."""

import pandas as pd
from helpers.classes import CLASSES, POSITIVE
from livermets.report.figures.decision_points import prevalence_caption

LABELS = pd.Series(CLASSES * 7)


def test_the_caption_names_the_target_prevalence():
    caption = prevalence_caption(LABELS, CLASSES, POSITIVE, 0.15, "patient")
    assert f"15% of the patients are {POSITIVE}" in caption


def test_without_a_target_the_caption_says_that_the_cohort_has_no_prevalence_of_its_own():
    caption = prevalence_caption(LABELS, CLASSES, POSITIVE, None, "patient")
    assert "in this cohort, 50%" in caption
    assert "no prevalence of its own" in caption


def test_where_lesions_carry_the_label_the_share_is_one_of_lesions():
    assert f"share of {POSITIVE} lesions in this cohort, 50%" in prevalence_caption(
        LABELS, CLASSES, POSITIVE, None, "lesion"
    )
