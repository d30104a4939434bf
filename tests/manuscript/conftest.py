"""The files of one synthetic run: made once; a test that changes them takes a copy."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.run_results import write_run
from livermets.manuscript.run_files import RunFiles


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> RunFiles:
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def own_run(run, tmp_path) -> RunFiles:
    """A copy of the run that a test may change."""
    shutil.copytree(run.results, tmp_path / "results")
    return replace(run, results=Path(tmp_path / "results"))
