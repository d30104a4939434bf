"""The section of the sample size: what the cohort carries beside what the arms saw."""

from dataclasses import replace

import pandas as pd
from helpers.report import render
from livermets.cohort.sample_size import assumptions, parameters_supported, patients_needed
from livermets.report.sections import sample_size


def test_the_table_stands_beside_the_features_that_the_arms_saw(results):
    fits = (pd.DataFrame({"arm": "knn-none", "split": ["cv1", "cv2"], "note": "",
                          "features": [107, 105], "selected": [9, 12]}),)  # fmt: skip
    shown = sample_size.context(replace(results, fits=fits))
    labels = results.included["label"]
    few, share = labels.value_counts().min(), labels.value_counts(normalize=True).min()
    assert (shown["patients"], shown["few"], shown["candidates"]) == (len(labels), few, 107)
    for row, assumption in zip(shown["rows"], assumptions(share), strict=True):
        supported = parameters_supported(len(labels), share, assumption.r2)
        needed = patients_needed(107, share, assumption.r2)
        assert row["cells"][1] == supported
        assert row["cells"][-1] == f"{needed.all_criteria:,}"
    page = render(results, fits=fits)
    assert "The arms chose among 107 candidate features" in page
    assert "Patients for 107 features: all criteria" in page


def test_without_fits_the_section_says_what_the_patients_can_carry(results):
    page = render(results, fits=())
    assert "What the cohort can carry" in page
    assert "candidate features so many patients" in page
    assert "The arms chose among" not in page
