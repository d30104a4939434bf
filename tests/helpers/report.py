"""A small synthetic study and its report, for the tests of the report's sections."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from livermets.report.render import render_report
from livermets.report.study_results import StudyResults


@dataclass(frozen=True)
class Study:
    """The tables of a study of 14 patients: three classifier arms, DenseNet and baselines."""

    cohort: pd.DataFrame
    splits: pd.DataFrame
    predictions: pd.DataFrame
    metrics: pd.DataFrame
    confusion: pd.DataFrame
    differences: pd.DataFrame


def render(results: StudyResults, **changes: Any) -> str:
    """The report of the results with some fields changed."""
    return render_report(replace(results, **changes))
