"""The demo study itself: it runs as its user runs it, and its numbers make sense.

Slow: this is `make demo`. Where its results are there already, Snakemake has nothing to do.
"""

import subprocess

import pandas as pd
import pytest
from helpers.run_study import ROOT

pytestmark = pytest.mark.slow
DEMO = ROOT / "tests/demo/results"


@pytest.fixture(scope="module")
def table3() -> pd.DataFrame:
    done = subprocess.run(["make", "demo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.rstrip().endswith("tests/demo/results/report.html")
    metrics = pd.read_parquet(DEMO / "metrics.parquet")
    wanted = (metrics["scheme"] == "cv") & (metrics["level"] == "lesion")
    return metrics[wanted & (metrics["metric"] == "auc")].set_index("arm")


def test_the_page_is_whole_and_loads_nothing_from_elsewhere(table3):
    page = (DEMO / "report.html").read_text()
    assert "</html>" in page
    assert 'src="http' not in page
    assert '<link rel="stylesheet" href="http' not in page


def test_densenet_and_half_of_the_radiomics_arms_tell_the_separable_classes_apart(table3):
    auc = table3["value"]
    assert auc["densenet121"] > 0.75
    radiomics = auc[~auc.index.str.startswith(("densenet", "baseline", "selected"))]
    assert len(radiomics) == 27
    assert (radiomics > 0.75).mean() >= 0.5


def test_every_auc_has_an_interval_around_it(table3):
    assert (table3["low"] <= table3["value"]).all()
    assert (table3["value"] <= table3["high"]).all()
    assert table3["low"].min() >= 0 and table3["high"].max() <= 1
