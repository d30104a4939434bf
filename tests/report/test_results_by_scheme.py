"""Table 3 in the report, with differences, confusion matrices and warnings."""

import numpy as np
from helpers.classes import CLASSES, POSITIVE
from helpers.report import render
from livermets.evaluation.evaluate import evaluate
from livermets.report.formatting import with_interval


def test_confusion_and_both_kinds_of_differences_stand_in_the_report(results, study):
    page = render(results, differences=study.differences)
    assert "colorectal called pancreatic" in page
    assert "Resampled arms against the same model without resampling" in page
    where = "arm == 'knn-none' and scheme == 'holdout' and level == 'lesion'"
    one = study.confusion.query(where).iloc[0]
    assert f"{one['count']:.0f}; {with_interval(one['share'], one['low'], one['high'])}" in page
    row = study.differences.query("against == 'as is' and level == 'lesion'").iloc[0]
    assert with_interval(row["difference"], row["low"], row["high"]) in page


def test_arms_without_a_threshold_of_their_own_are_named(results, study):
    own = study.predictions.assign(threshold=0.3)
    own.loc[own["arm"] == "densenet121", "threshold"] = np.nan
    metrics = evaluate(own, CLASSES, POSITIVE, threshold="youden")
    evaluation = {"threshold": "youden"}
    page = render(results, metrics=metrics, config=results.config | {"evaluation": evaluation})
    assert "so 0.5 decides: densenet121." in page
    assert "held-out training patients" in page


def test_an_arm_tested_on_less_than_the_others_is_named(results, study):
    some = study.predictions[study.predictions["split"] == "holdout"]
    fewer = some[(some["arm"] != "densenet121") | (some["lesion"] == 1)]
    page = render(results, metrics=evaluate(fewer, CLASSES, POSITIVE))
    assert "densenet121 (8 patients, 8 lesions" in page
