"""The readers' decisions in the report."""

from dataclasses import replace

import pytest
from helpers.report import render
from helpers.review_tables import review_records, write_review_tables
from livermets.report.patient_flow import flow_steps
from livermets.report.sections.cautions import cautions
from livermets.review.review_tables import ReviewTables, read_review_tables


@pytest.fixture
def tables(results, tmp_path):
    """Reviews of the patients at these places of the cohort: (reader, decision) of each."""

    def read(decisions: dict[int, list[tuple[str, str]]], **review) -> ReviewTables:
        patients = list(results.cohort["patient"])
        said = {patients[place]: of for place, of in decisions.items()}
        return read_review_tables(
            write_review_tables(tmp_path, review_records(patients, said, **review))
        )

    return read


def page_of(results, reviews) -> str:
    cohort = results.cohort.assign(mask_source="given")
    return " ".join(render(results, cohort=cohort, reviews=reviews).split())


def test_the_report_counts_masks_that_nobody_reviewed(results, tables):
    page = page_of(results, tables({0: [("Anna", "accept")], 1: [("Anna", "correct")]}))
    assert "2 of 16 masks were reviewed by Anna; 14 were not." in page
    assert "correction asked for" in page
    assert "No reader has reviewed a mask (16 masks" in page_of(results, tables({}))
    assert "Review by readers" not in page_of(results, None)


def test_the_report_lists_deleted_lesions_and_kappa_and_markup_stays_text(results, tables):
    lesion = {"lesion": 3, "reader": "<i>Anna</i>", "reason": "a <b>vessel</b>", "volume_ml": 0.5}
    reviews = tables(
        {0: [("Anna", "accept"), ("Ben", "accept")], 1: [("Anna", "exclude"), ("Ben", "accept")]},
        deleted=[lesion],
    )
    page = page_of(results, reviews)
    assert "&lt;i&gt;Anna&lt;/i&gt;" in page and "<b>vessel" not in page
    assert "Anna, Ben" in page and "exclude the scan" in page and "50%" in page
    assert "0.00 (no interval)" in page and "an interval needs 3 of each" in page


def test_automatic_masks_that_a_reader_accepted_are_no_caution(results, tables):
    automatic = results.included.assign(mask_source="automatic")
    everyone = {place: [("Anna", "accept")] for place in range(len(automatic))}
    few = replace(results, cohort=automatic, reviews=tables({0: [("Anna", "accept")]}))
    masks = {c.topic: c for c in cautions(few, None)}["Masks"]
    assert masks.text.startswith("13 of 14 masks are automatic, and no reader has accepted them")
    assert not masks.good
    whole = replace(few, reviews=tables(everyone))
    assert {c.topic: c for c in cautions(whole, None)}["Masks"].good


def test_the_flow_diagram_tells_exclusions_and_deletions_of_readers(results):
    cohort = results.cohort.copy()
    cohort.loc[cohort.index[0], ["included", "stage", "reason"]] = [False, "reader", "Anna: motion"]
    cohort["n_components"], cohort["n_dropped"] = 10, 4
    cohort["n_outside_liver"], cohort["n_deleted"] = 1, 2
    steps, _ = flow_steps(cohort, results.splits, results.classes)
    assert "1 by the reader of the images:" in steps[0].exclusions
    assert "– Anna: motion (1)" in steps[0].exclusions
    n = int(cohort["included"].sum())
    assert steps[1].exclusions[:3] == [
        f"{n} smaller than 5 mm", f"{n} outside the liver", f"{2 * n} deleted by the reader",
    ]  # fmt: skip
