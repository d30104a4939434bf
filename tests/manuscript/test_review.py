"""What readers decided on the pages, in the methods section and in the checklists."""

from dataclasses import replace

import pytest
from helpers.ct_images import ct_and_mask
from helpers.review_tables import review_records, write_review_tables
from helpers.reviews import review_of, saved
from livermets.core.io import read_json, write_json, write_table
from livermets.lesions.components import label_lesions
from livermets.manuscript.checklists import AUTHORS, NO_PROOF, YES, fill_checklist
from livermets.manuscript.methods import methods_document
from livermets.manuscript.run_files import RunFiles
from livermets.manuscript.text_formats import plain_text
from livermets.review.decisions import read_readings
from livermets.review.settled_review import apply_readings


def text_of(run: RunFiles) -> str:
    """The section as one line of text."""
    return " ".join(plain_text(methods_document(replace(run))).split())


def answer(run: RunFiles, checklist: str, item: str):
    (found,) = (a for a in fill_checklist(checklist, replace(run)).answers if a.item == item)
    return found


@pytest.fixture
def reviewed(own_run):
    """Write the tables of these decisions over those of the run."""

    def write(decisions, **of_first):
        scans = list(own_run.included["patient"])
        records = review_records(scans, decisions(scans), **of_first)
        write_review_tables(own_run.results / "review", records)
        return own_run

    return write


def of_masks(run: RunFiles, source: str) -> None:
    for path in (run.results / "masks").glob("*.json"):
        write_json(path, read_json(path) | {"source": source})


def two_readers(scans):
    """Anna reads ten and Ben eight; they differ about one and exclude two for two reasons."""
    said = {scan: [("Anna", "accept"), ("Ben", "accept")] for scan in scans[:4]}
    said[scans[4]] = [("Anna", "exclude", "motion"), ("Ben", "exclude", "motion")]
    said[scans[5]] = [("Anna", "exclude", "ablation"), ("Ben", "exclude", "ablated")]
    said[scans[6]] = [("Anna", "correct"), ("Ben", "accept")]
    said[scans[7]] = [("Anna", "correct"), ("Ben", "correct")]
    return said | {scan: [("Anna", "accept")] for scan in scans[8:10]}


def test_without_reviews_the_text_says_that_no_person_reviewed_the_masks(own_run):
    of_masks(own_run, "automatic")
    assert "No person reviewed the masks of the 14 patients." in text_of(own_run)
    assert "kappa" not in text_of(own_run)


def test_the_text_counts_readers_decisions_reasons_and_unreviewed_masks(reviewed):
    lesion = {"lesion": 3, "reader": "Anna", "reason": "vessel", "volume_ml": 0.5}
    shown = text_of(reviewed(two_readers, deleted=[lesion, lesion], stale=[lesion]))
    assert "2 readers reviewed the masks of 10 of 14 patients; those of 4 were not" in shown
    assert "They accepted 6, asked for a correction of 1 and excluded 2 from the study:" in shown
    assert "the study: ablation; ablated (n = 1) and motion (n = 1)." in shown
    assert "They differed about 1; nothing was removed there." in shown
    assert "Readers deleted 2 lesions: vessel (n = 2)." in shown
    assert "A further 1 lesion that they wanted deleted had gone from the mask" in shown
    assert "Two readers both read 8 masks; kappa by decision: accept the mask 0.75" in shown
    assert "0.75 (too few patients for an interval)" in shown
    assert "[FOR THE AUTHORS: the experience of the readers in years]" in shown


def test_a_changed_decision_changes_the_sentence(reviewed):
    before = text_of(reviewed(lambda scans: {scans[0]: [("Anna", "accept")]}))
    after = text_of(reviewed(lambda scans: {scans[0]: [("Anna", "exclude", "motion")]}))
    assert "1 reader reviewed the masks of 1 of 14 patients; those of 13 were not" in before
    assert "They accepted 1, asked for a correction of 0 and excluded 0 from" in before
    assert "They accepted 0, asked for a correction of 0 and excluded 1 from" in after
    assert "motion (n = 1)" in after and "motion" not in before


def test_a_changed_file_of_reviews_changes_the_sentence(own_run, tmp_path):
    ct, mask = ct_and_mask()
    labelled, table, measured = label_lesions(ct, mask)

    def shown(content) -> str:
        path = saved(tmp_path / "reviews", "P01.json", content)
        readings = read_readings([path], "P01")
        *_, record, _ = apply_readings(readings, labelled, table, measured, "m")
        write_review_tables(own_run.results / "review", {"P01": {"excluded": None, **record}})
        return text_of(own_run)

    accepted = shown(review_of(table))
    assert "They accepted 1," in accepted and "Readers deleted no lesion." in accepted
    cut = shown(review_of(table, delete={2: "bile duct"}))
    assert "They accepted 1," in cut and "Readers deleted 1 lesion: bile duct (n = 1)." in cut
    out = shown(review_of(table, decision="exclude", reason="arterial phase"))
    assert "excluded 1 from the study: arterial phase (n = 1)." in out


def test_kappa_has_its_interval_where_there_are_enough_patients(reviewed):
    said = [("accept", "accept")] * 4 + [("correct", "accept")] * 3 + [("correct", "correct")] * 4
    run = reviewed(
        lambda scans: {
            scan: [("Anna", anna), ("Ben", ben)]
            for scan, (anna, ben) in zip(scans, said, strict=False)
        }
    )
    shown = text_of(run)
    assert "11 masks; kappa by decision: accept the mask 0.49 (95 % interval" in shown
    assert "kappa [2], with intervals from a bootstrap over patients." in shown
    assert "exclude the scan not defined, since both always decided the same" in shown
    item = answer(run, "claim", "18")
    assert (item.answer, item.file) == (YES, "review/reader_agreement.tsv")
    assert "0.49 (95 % interval" in item.value
    # what readers accept says little of the masks that they would draw
    item = answer(run, "clear", "31")
    assert (item.answer, item.file) == (AUTHORS, "review/reader_agreement.tsv")


@pytest.mark.parametrize(
    ("checklist", "item"), [("claim", "16"), ("clear", "20"), ("tripod_ai", "9c")]
)
def test_items_about_who_judged_the_masks_link_to_the_decisions(reviewed, checklist, item):
    run = reviewed(lambda scans: {})
    of_masks(run, "automatic")
    found = answer(run, checklist, item)
    assert (found.answer, found.file) == (YES, "masks/*.json")
    found = answer(reviewed(two_readers), checklist, item)
    assert (found.answer, found.file) == (AUTHORS, "review/decisions.tsv")
    assert found.value == "2 readers; 10 of 14 patients reviewed, 0 lesions deleted"
    (run.results / found.file).unlink()
    found = answer(run, checklist, item)
    assert (found.answer, found.value) == (NO_PROOF, "results/review/decisions.tsv is not there")


def test_masks_from_which_readers_deleted_lesions_come_from_more_than_one_tool(reviewed):
    lesion = {"lesion": 3, "reader": "Anna", "reason": "vessel", "volume_ml": 0.5}
    run = reviewed(two_readers)
    of_masks(run, "automatic")
    assert answer(run, "metrics", "10").answer == YES
    found = answer(reviewed(two_readers, deleted=[lesion]), "metrics", "10")
    assert found.answer == AUTHORS and found.value.endswith("1 lesion deleted by readers")


def test_a_missing_table_of_the_review_leaves_it_to_the_authors(own_run):
    (own_run.results / "review/deleted_lesions.tsv").unlink()
    assert "[FOR THE AUTHORS: whether readers reviewed the masks;" in text_of(own_run)


def test_lesions_that_readers_deleted_are_not_counted_as_too_small(own_run):
    path = own_run.results / "lesions/P01.json"
    record = read_json(path)
    before = text_of(own_run)
    write_json(path, record | {"n_dropped": record["n_dropped"] + 2, "n_deleted": 2})
    after = text_of(own_run)
    assert "deleted by readers" not in before
    assert "and 2 more were deleted by readers, which left" in after
    assert before.split("components ")[1][:4] == after.split("components ")[1][:4]


def test_scans_of_a_patient_are_counted_as_scans_and_reasons_with_markup_stay_text(own_run):
    records = review_records(["P1@a", "P1@b"], {"P1@a": [("Anna", "exclude", "[@riley] **x**")]})
    write_review_tables(own_run.results / "review", records)
    shown = text_of(own_run)
    assert "1 reader reviewed the masks of 1 of 2 scans; those of 1 were not" in shown
    assert "[ @riley] **x** (n = 1)" in shown


def test_patients_whom_a_reader_excluded_are_named_as_such(own_run):
    cohort = own_run.cohort.copy()
    cohort.loc[cohort.index[0], ["included", "stage", "reason"]] = [False, "reader", "Anna: motion"]
    write_table(own_run.results / "cohort.tsv", cohort)
    assert "1 by a reader who reviewed the mask" in text_of(own_run)
