"""The readers' decisions in the report."""

from dataclasses import replace

from helpers.report import render
from livermets.report.patient_flow import flow_steps
from livermets.report.sections.cautions import cautions
from livermets.review.reader_agreement import agreement_of_readers
from livermets.review.review_tables import ReviewTables, decisions_table, deleted_table


def tables(results, decisions: dict[int, list[tuple[str, str]]], **review) -> ReviewTables:
    """Reviews of the patients at these places of the cohort: (reader, decision) of each."""
    records = {}
    for place, patient in enumerate(results.cohort["patient"]):
        readings = [
            {"reader": reader, "decision": decision, "lesions": {"1": "keep"}, "decides": False,
             "current_mask": True, "reason": "", "note": "", "date": "", "file": ""}
            for reader, decision in decisions.get(place, [])
        ]  # fmt: skip
        of = {"readings": readings, "disputed": False, "deleted": [], "stale": []}
        records[str(patient)] = {"excluded": None, "review": of}
    if review:
        records[next(iter(records))]["review"] |= review
    readings = {scan: record["review"]["readings"] for scan, record in records.items()}
    return ReviewTables(
        decisions_table(records).astype(object).fillna(""),
        deleted_table(records),
        agreement_of_readers(readings, seed=1),
    )


def page_of(results, reviews) -> str:
    cohort = results.cohort.assign(mask_source="given")
    return " ".join(render(results, cohort=cohort, reviews=reviews).split())


def test_the_report_counts_masks_that_nobody_reviewed(results):
    page = page_of(results, tables(results, {0: [("Anna", "accept")], 1: [("Anna", "correct")]}))
    assert "2 of 16 masks were reviewed by Anna; 14 were not." in page
    assert "correction asked for" in page
    assert "No reader has reviewed a mask (16 masks" in page_of(results, tables(results, {}))
    assert "Review by readers" not in page_of(results, None)


def test_the_report_lists_deleted_lesions_and_kappa_and_markup_stays_text(results):
    lesion = {"lesion": 3, "reader": "<i>Anna</i>", "reason": "a <b>vessel</b>", "volume_ml": 0.5}
    reviews = tables(
        results,
        {0: [("Anna", "accept"), ("Ben", "accept")], 1: [("Anna", "exclude"), ("Ben", "accept")]},
        deleted=[lesion],
    )
    page = page_of(results, reviews)
    assert "&lt;i&gt;Anna&lt;/i&gt;" in page and "<b>vessel" not in page
    assert "Anna, Ben" in page and "exclude the scan" in page and "50%" in page
    assert "0.00 (no interval)" in page and "an interval needs 3 of each" in page


def test_automatic_masks_that_a_reader_accepted_are_no_caution(results):
    automatic = results.included.assign(mask_source="automatic")
    everyone = {place: [("Anna", "accept")] for place in range(len(automatic))}
    few = replace(results, cohort=automatic, reviews=tables(results, {0: [("Anna", "accept")]}))
    masks = {c.topic: c for c in cautions(few, None)}["Masks"]
    assert masks.text.startswith("13 of 14 masks are automatic, and no reader has accepted them")
    assert not masks.good
    whole = replace(few, reviews=tables(results, everyone))
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
