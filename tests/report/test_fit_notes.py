"""Deviations from the configured settings."""

import pandas as pd
from helpers.report import render
from livermets.report.sections.fit_notes import fit_notes


def test_deviations_from_the_settings_are_counted_over_arms_and_splits(results):
    few, gone = "SMOTE with 3 neighbours: a class has 4 rows", "left out, constant or empty: a"
    tables = [
        pd.DataFrame({"arm": "knn-smote", "split": ["f1", "f2"], "note": [f"{gone}; {few}", gone]}),
        pd.DataFrame({"arm": "svm-none", "split": ["f1", "f2"], "note": [gone, None]}),
    ]
    assert fit_notes(tables) == [
        {"note": gone, "arms": 2, "fits": 3},
        {"note": few, "arms": 1, "fits": 1},
    ]
    tables = [table.assign(features=107, selected=12) for table in tables]
    assert f"{gone}: in 3 fits of 2 arms" in render(results, fits=tuple(tables))
    assert "Deviations from the configured" not in render(results)
