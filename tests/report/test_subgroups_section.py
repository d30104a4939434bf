"""Subgroups in the report: the figure of each scheme, reasons in words, and the sites."""

import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.report import render
from livermets.evaluation.subgroups import measure_subgroups
from livermets.report.figures.subgroups import draw_subgroups
from livermets.report.formatting import with_interval
from livermets.report.sections.subgroups import site_sentence

ARMS = ["knn-smote", "baseline_volume"]


@pytest.fixture(scope="module")
def subgroups(study) -> pd.DataFrame:
    cohort = study.cohort.assign(site=np.resize(["A", "A", "B", "B"], len(study.cohort)))
    clinical = ["age", "sex"]
    return measure_subgroups(study.predictions, cohort, ARMS, CLASSES, POSITIVE, clinical)


def test_the_report_shows_the_figure_the_numbers_and_the_reasons(results, subgroups):
    page = render(results, subgroups=subgroups)
    assert "Subgroups of patients" in page
    assert "differences between subgroups are not tested" in page
    row = subgroups.query("group == 'F' and scheme == 'cv'").iloc[0]
    assert with_interval(row["value"], row["low"], row["high"]) in page
    assert f'<td class="n">{row["n_pairs"]}</td>' in page
    without = subgroups[subgroups["low"].isna()]
    assert len(without)
    for value, reason in zip(without["value"], without["no_interval"], strict=True):
        assert f"{'no AUC' if np.isnan(value) else 'no interval'}: {reason}" in page


def test_sites_are_compared_in_a_sentence(results, subgroups):
    page = render(results, subgroups=subgroups)
    assert "Cochran’s Q" in page or "Cochran&#39;s Q" in page
    row = {"arm": "knn-smote", "sites": 3, "q": 6.04, "i_squared": 0.669}
    assert site_sentence(row) == (
        "K-nearest neighbours, SMOTE: Cochran's Q = 6.0 over 3 sites (2 expected if all sites were "
        "alike), I² = 67%."
    )


def test_a_study_without_subgroups_has_no_such_section(results, subgroups):
    assert "Subgroups of patients" not in render(results)
    assert "Subgroups of patients" not in render(results, subgroups=subgroups.iloc[:0])


def test_a_figure_of_subgroups_is_drawn_and_one_without_intervals_says_so(subgroups, tmp_path):
    cv = subgroups[subgroups["scheme"] == "cv"]
    ET.parse(draw_subgroups(cv, POSITIVE, tmp_path / "subgroups.svg"))
    none = cv.assign(low=np.nan, high=np.nan)
    drawn = draw_subgroups(none, POSITIVE, tmp_path / "none.svg")
    assert drawn.stat().st_size < (tmp_path / "subgroups.svg").stat().st_size / 4
