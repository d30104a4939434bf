"""From the review page to the study: made by Snakemake, decided by clicking, taken up by a run."""

import time

import pandas as pd
import pytest
from helpers.browser import SOFTWARE_WEBGL, browser
from helpers.run_study import snakemake, write_phantom_study


@pytest.mark.slow
def test_what_a_reader_clicks_is_what_the_next_run_does(tmp_path):
    study, downloads = tmp_path / "study", tmp_path / "downloads"
    downloads.mkdir()
    write_phantom_study(study, 2)
    done = snakemake(study, "review")
    assert done.returncode == 0, done.stderr
    pages = study / "results/review"
    assert "B0.view.html" in (pages / "index.html").read_text()
    with browser(downloads, *SOFTWARE_WEBGL) as page:
        for scan in ("B0", "B1"):
            page.open(pages / f"{scan}.view.html")
            page.until("return document.body.dataset.viewer === 'ready'")
            assert not [name for name in page.loaded() if name.startswith("http")]
            if scan == "B0":
                page.click('[value="exclude"]')
                page.write("#reason", "contrast in the arterial phase")
                page.write("#reader", "Anna")  # remembered on the second page
            else:
                page.click('[data-delete="1"]')
                page.write('[data-why="1"]', "a vessel")
                page.click('[value="accept"]')
            page.click("#save")
            assert page.text("#status") == f"Saved as {scan}.json."
            end = time.monotonic() + 30
            while not (downloads / f"{scan}.json").exists() and time.monotonic() < end:
                time.sleep(0.2)
    (study / "reviews").mkdir()
    for scan in ("B0", "B1"):
        (downloads / f"{scan}.json").rename(study / f"reviews/{scan}.json")
    done = snakemake(study, "results/cohort.tsv", "review")
    assert done.returncode == 0, done.stderr
    cohort = pd.read_table(study / "results/cohort.tsv").set_index("patient")
    assert cohort.loc["B0", "reason"] == "Anna: contrast in the arterial phase"
    assert cohort["included"].tolist() == [False, True]
    lesions = pd.read_table(study / "results/lesions/B1.tsv").set_index("lesion")
    assert lesions.loc[1, "reason"] == "deleted by Anna: a vessel"
    decisions = pd.read_table(pages / "decisions.tsv")
    assert decisions["status"].tolist() == ["excluded", "accepted"]
    worklist = (pages / "index.html").read_text()
    assert worklist.count("Anna (") == 2 and "arterial" not in worklist
    assert 'data-delete="1"' in (pages / "B1.view.html").read_text()  # it can be kept again
