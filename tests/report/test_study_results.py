"""The results of a study: read from the rule's files, and refused without a column."""

from dataclasses import replace

import pytest
from livermets.core.errors import BadInput
from livermets.report.render import render_report
from livermets.report.study_results import StudyResults


def test_a_table_of_something_else_is_refused(results):
    with pytest.raises(BadInput, match="metrics: the column level is missing"):
        replace(results, metrics=results.metrics.drop(columns="level"))
    with pytest.raises(BadInput, match="splits: the column role"):
        replace(results, splits=results.splits.drop(columns="role"))


def test_results_are_read_from_the_files_of_the_rule(results, tmp_path):
    results.cohort.to_csv(tmp_path / "cohort.tsv", sep="\t", index=False)
    results.splits.to_parquet(tmp_path / "splits.parquet")
    results.metrics.to_parquet(tmp_path / "metrics.parquet")
    files = {name: tmp_path / f"{name}.parquet" for name in ("splits", "metrics")}
    files |= {"cohort": tmp_path / "cohort.tsv", "figures": [results.figures / "flow.svg"]}
    files |= {"chosen": [], "masks": [], "shuffled": [], "robustness": [], "features": []}
    read = StudyResults.from_files(results.config, files)
    only = replace(results, confusion=None, importance=None)
    assert render_report(read) == render_report(only)
