"""Heterogeneity in the report: findings in words, reasons, outlier lesions, and the figure."""

import xml.etree.ElementTree as ET

import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.heterogeneous_lesions import varied_features
from helpers.report import render
from livermets.core.io import write_json, write_table
from livermets.heterogeneity.study_heterogeneity import measure_heterogeneity
from livermets.report.figures.heterogeneity import draw_heterogeneity

SETTINGS = {"min_patients": 5, "permutations": 200}


@pytest.fixture
def written(tmp_path):
    """Write the tables of a study of that many patients as its rule does; returns the folder."""

    def write(patients):
        table = varied_features(3, spread=(0.3, 0.9), varied=3, patients=patients, lesions=(6, 6))
        table = table.assign(negative=-1.0)
        table.loc[2, [f"g{i:02d}" for i in range(8)]] *= 40
        found = measure_heterogeneity(table, CLASSES, POSITIVE, SETTINGS, seed=1)
        for name in ("variation", "left_out", "lesions"):
            write_table(tmp_path / f"{name}.parquet", getattr(found, name))
        write_table(tmp_path / "classes.parquet", found.comparison)
        write_json(tmp_path / "summary.json", found.summary)
        draw_heterogeneity(
            found.variation, found.comparison, CLASSES, POSITIVE, found.summary["too_few"],
            tmp_path / "heterogeneity.svg",
        )  # fmt: skip
        return tmp_path

    return write


def test_findings_reasons_and_outliers_stand_in_the_report(results, written):
    folder = written(24)
    page = " ".join(render(results, heterogeneity=folder).split())
    assert "How unlike are the lesions of a patient?" in page
    assert "<strong>3 of 8 features</strong> differ" in page
    assert "1 left out, because it takes negative values" in page
    assert '<th scope="row">P000</th>' in page
    ET.parse(folder / "heterogeneity.svg")


def test_too_few_patients_are_said_to_be_too_few(results, written):
    page = " ".join(render(results, heterogeneity=written(8)).split())
    assert "The classes were not compared. Too few: 5 patients of each class" in page
    assert "differ (p" not in page


def test_a_study_that_does_not_ask_for_it_has_no_such_section(results):
    assert "How unlike are the lesions" not in render(results)
