"""Results by size in the report: what beats size in words, the figure, and the numbers."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.report import render
from livermets.evaluation.by_size import DIFFERENCE, measure_by_size
from livermets.evaluation.evaluate import REFERENCE
from livermets.evaluation.subgroup_members import SIZE
from livermets.report.figures.by_size import draw_by_size
from livermets.report.formatting import with_interval
from livermets.report.size_claim import size_claim


@pytest.fixture(scope="module")
def by_size(study) -> pd.DataFrame:
    lesions = study.predictions[["patient", "lesion"]].drop_duplicates()
    sizes = lesions.assign(**{SIZE: np.resize([5.0, 12.0, 15.0, 18.0], len(lesions))})
    few = lesions.drop_duplicates("patient").index[0]
    sizes.loc[few, SIZE] = 30.0  # one lesion of one class
    predictions = study.predictions[study.predictions["split"] != "holdout"]
    few_arms = predictions["arm"].isin(["knn-none", "knn-smote", "baseline_majority", REFERENCE])
    return measure_by_size(predictions[few_arms], sizes, CLASSES, POSITIVE)


@pytest.fixture(scope="module")
def compared(results, study):
    return replace(results, differences=study.differences)


def beating(by_size: pd.DataFrame, arm: str, group: str) -> pd.DataFrame:
    """The table with one arm that beats volume in one stratum."""
    rows = (by_size["arm"] == arm) & (by_size["group"] == group)
    table = by_size.copy()
    table.loc[rows & (table["metric"] == "auc"), "low"] = 0.7
    table.loc[rows & (table["metric"] == DIFFERENCE), ["low", "p_holm"]] = [0.1, 0.01]
    return table


def test_the_report_shows_every_arm_in_every_stratum_with_its_pairs(compared, by_size):
    page = render(compared, by_size=by_size)
    assert "Results by size of lesion" in page
    for group in ("under 10 mm", "10 to 20 mm", "over 20 mm"):
        assert f"{SIZE}: {group}" in page
    row = by_size.query("group == '10 to 20 mm' and arm == 'knn-none' and metric == 'auc'").iloc[0]
    assert with_interval(row["value"], row["low"], row["high"]) in page
    assert f'<td class="n">{row["n_pairs"]}</td>' in page
    reason = by_size.query("group == 'over 20 mm' and metric == 'auc'")["no_interval"].iloc[0]
    assert reason.startswith("no tested patient of class")
    assert reason in page


def test_that_no_arm_beats_size_is_said_with_the_auc_of_size(compared, by_size):
    auc = compared.metrics.query("scheme == 'cv' and metric == 'auc' and level == 'patient'")
    volume = auc.set_index("arm").loc[REFERENCE]
    claim = size_claim(replace(compared, by_size=by_size))
    assert not claim.beaten
    assert claim.text == (
        "No arm beats lesion size over all patients, nor in any stratum of size. Too few patients "
        "to tell: over 20 mm. Lesion volume alone has an AUC by patient of "
        f"{with_interval(volume['value'], volume['low'], volume['high'])} (cross-validation)."
    )


def test_an_arm_that_beats_size_is_named_with_the_stratum(compared, by_size):
    claim = size_claim(replace(compared, by_size=beating(by_size, "knn-smote", "10 to 20 mm")))
    assert claim.text.startswith(
        "Lesion size is beaten among lesions 10 to 20 mm, by “K-nearest neighbours, SMOTE”. Over "
        "all patients no arm beats it, corrected for the number of arms."
    )
    assert not claim.beaten


def test_an_arm_that_beats_size_over_all_patients_is_named(compared, by_size):
    pairs, metrics = compared.differences.copy(), compared.metrics.copy()
    rows = (pairs["arm"] == "densenet121") & (pairs["against"] == "volume")
    pairs.loc[rows, ["low", "p_holm"]] = [0.1, 0.01]
    metrics.loc[(metrics["arm"] == "densenet121") & (metrics["metric"] == "auc"), "low"] = 0.6
    claim = size_claim(replace(compared, differences=pairs, metrics=metrics, by_size=by_size))
    assert claim.beaten
    assert claim.text.startswith(
        "Lesion size is beaten over all patients, by “DenseNet-121”. In no stratum of size does an "
        "arm beat it."
    )


def test_of_many_arms_that_beat_size_only_the_number_is_given(compared, by_size):
    pairs, metrics = compared.differences.copy(), compared.metrics.copy()
    rows = (pairs["against"] == "volume") & (pairs["scheme"] == "cv")
    arms = pairs.loc[rows, "arm"].nunique()
    assert arms > 3
    pairs.loc[rows, ["low", "p_holm"]] = [0.1, 0.01]
    metrics.loc[metrics["metric"] == "auc", "low"] = 0.6
    claim = size_claim(replace(compared, differences=pairs, metrics=metrics, by_size=by_size))
    assert claim.text.startswith(f"Lesion size is beaten over all patients, by {arms} arms.")


def test_without_the_baseline_of_volume_nothing_is_said_about_size(compared):
    metrics = compared.metrics[compared.metrics["arm"] != REFERENCE]
    assert size_claim(replace(compared, metrics=metrics)) is None


def test_a_study_that_does_not_know_sizes_says_so(compared, by_size):
    page = render(compared, by_size=by_size.iloc[:0])
    assert "The features table does not tell the sizes of the lesions." in page


def test_the_figure_has_a_panel_for_each_stratum_and_one_without_intervals_says_so(
    by_size, tmp_path
):
    ET.parse(draw_by_size(by_size, tmp_path / "by_size.svg"))
    none = draw_by_size(by_size.assign(low=np.nan), tmp_path / "none.svg")
    assert none.stat().st_size < (tmp_path / "by_size.svg").stat().st_size / 4
