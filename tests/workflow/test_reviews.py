"""Readers' decisions in a study: taken up by the next run, and never written to."""

import json

import pandas as pd
import pytest
from helpers.reviews import review_of, saved
from helpers.run_study import jobs, snakemake, write_phantom_study

TARGETS = ("results/cohort.tsv", "results/review/decisions.tsv")


@pytest.fixture(scope="module")
def labelled_study(tmp_path_factory):
    """A study of two phantoms up to its cohort table; tests put reviews into it."""
    folder = tmp_path_factory.mktemp("study")
    write_phantom_study(folder, 2)
    done = snakemake(folder, *TARGETS)
    assert done.returncode == 0, done.stderr
    return folder


def lesions_of(folder, scan: str) -> pd.DataFrame:
    return pd.read_table(folder / f"results/lesions/{scan}.tsv")


def review(folder, scan: str, **decided) -> dict:
    """A review of the mask and the lesions that the study has."""
    record = json.loads((folder / f"results/masks/{scan}.json").read_text())
    return review_of(lesions_of(folder, scan), scan, mask_sha256=record["sha256"], **decided)


def test_decisions_change_the_cohort_of_the_next_run_and_their_files_stay(labelled_study):
    folder = labelled_study
    before = pd.read_table(folder / "results/cohort.tsv", keep_default_na=False)
    assert before["included"].all()
    assert set(pd.read_table(folder / TARGETS[1])["status"]) == {"not reviewed"}

    out = review(folder, "B0", reader="<b>Anna</b>", decision="exclude")
    one = review(folder, "B1", delete={1: "a vessel"})
    files = [saved(folder / "reviews", f"{r['scan']}.json", r) for r in (out, one)]
    written = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    planned = jobs(snakemake(folder, "-n", *TARGETS))
    assert planned["label_lesions"] == 2 and "select_mask" not in planned
    done = snakemake(folder, *TARGETS)
    assert done.returncode == 0, done.stderr

    cohort = pd.read_table(folder / TARGETS[0], keep_default_na=False).set_index("patient")
    why = cohort.loc["B0", ["stage", "reason"]].tolist()
    assert why == ["reader", "<b>Anna</b>: motion"]
    assert cohort["included"].tolist() == [False, True]
    then = before.set_index("patient")["n_lesions"]
    assert int(cohort.loc["B1", "n_lesions"]) == int(then["B1"]) - 1
    assert int(cohort.loc["B1", "n_deleted"]) == 1
    row = lesions_of(folder, "B1").set_index("lesion").loc[1]
    assert not row["kept"] and row["reason"] == "deleted by Anna: a vessel"
    decisions = pd.read_table(folder / TARGETS[1], keep_default_na=False)
    assert decisions["status"].tolist() == ["excluded", "accepted"]
    deleted = pd.read_table(folder / "results/review/deleted_lesions.tsv")
    assert deleted[["patient", "lesion", "reason"]].to_numpy().tolist() == [["B1", 1, "a vessel"]]
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in files] == written


def test_a_review_that_is_taken_away_is_undone(labelled_study):
    folder = labelled_study
    for path in (folder / "reviews").glob("*.json"):
        path.rename(folder / path.name)
    assert snakemake(folder, *TARGETS).returncode == 0
    assert pd.read_table(folder / "results/cohort.tsv")["included"].all()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("B9.json", {}, ["B9.json", "no patient in the cohort sheet"]),
        ("B1.json", '{"version": 1, "scan": "B1"}', ["reviews/B1.json", "there is no `reader`"]),
    ],
    ids=["patient left the sheet", "edited by hand"],
)
def test_a_bad_review_ends_the_run_with_its_file(labelled_study, name, content, words):
    path = saved(labelled_study / "reviews", name, content)
    try:
        done = snakemake(labelled_study, *TARGETS)
    finally:
        path.unlink()
    assert done.returncode and "Traceback" not in done.stderr
    assert not [word for word in words if word not in done.stderr]
