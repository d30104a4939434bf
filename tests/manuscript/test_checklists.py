"""Items of the checklists rest on files of the run: they turn when a file goes."""

import re
import shutil
from dataclasses import replace

import docx
import pandas as pd
import pytest
from livermets.core.io import read_json, write_json, write_table
from livermets.manuscript.checklist_files import link, write_checklists
from livermets.manuscript.checklists import (
    AUTHORS,
    CONDITIONS,
    NAMES,
    NO,
    NO_PROOF,
    NOT_APPLICABLE,
    YES,
    Answer,
    Checklist,
    fill_checklist,
    fill_checklists,
    metrics_score,
    read_checklist,
)
from livermets.manuscript.proof import PROOFS
from livermets.study.config import load_config

ITEMS = {"clear": 58, "metrics": 30, "tripod_ai": 52, "claim": 44}  # as their papers count them


def answers(run, name: str) -> dict[str, Answer]:
    return {answer.item: answer for answer in fill_checklist(name, run).answers}


def with_config(run, **keys):
    return replace(run, config=load_config({"clinical": ["age", "sex"], **keys}))


@pytest.mark.parametrize("name", NAMES)
def test_each_checklist_has_all_items_of_its_paper_once(name):
    content = read_checklist(name)
    numbers = [item["item"] for item in content["items"]]
    assert len(numbers) == len(set(numbers)) == ITEMS[name]
    assert re.fullmatch(r"10\.\d{4,}/\S+", content["doi"])


def test_the_weights_of_metrics_are_those_of_kocak_2024():
    weights = [item["weight"] for item in read_checklist("metrics")["items"]]
    assert sum(weights) == pytest.approx(1, abs=1e-12)
    # sums of its nine categories, in their order
    ends = [3, 7, 10, 13, 17, 19, 25, 27, 30]
    sums = [sum(weights[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
    expected = [0.2022, 0.1460, 0.0674, 0.1348, 0.0900, 0.0899, 0.1348, 0.1124, 0.0225]
    assert sums == pytest.approx(expected, abs=1e-9)


def test_every_item_has_a_proof_that_exists_or_a_task_for_the_authors():
    used = set()
    for name in NAMES:
        for item in read_checklist(name)["items"]:
            assert "proof" in item or item.get("authors"), (name, item["item"])
            assert item.get("applies", "automatic") in CONDITIONS
            used |= {item["proof"]} if "proof" in item else set()
    assert used == set(PROOFS)


def test_every_yes_names_a_file_that_is_there_and_a_value(run):
    found = [item for part in fill_checklists(run) for item in part.answers if item.answer == YES]
    assert len(found) > 60
    for item in found:
        assert run.names(item.file), item
        assert item.value, item


def test_without_any_file_nothing_is_yes(run, tmp_path):
    empty = replace(run, results=tmp_path)
    for part in fill_checklists(empty):
        assert part.count(YES) == 0
    assert metrics_score(fill_checklist("metrics", empty))["earned"] == 0


@pytest.mark.parametrize(
    ("files", "checklist", "items"),
    [
        ("splits.parquet", "metrics", ["16", "18"]),
        ("audit.json", "claim", ["20"]),
        ("metrics.parquet", "metrics", ["20", "21", "22", "24", "25", "26", "27"]),
        ("differences.parquet", "clear", ["36", "41"]),
        ("ct/*.json", "clear", ["16"]),
        ("masks/*.json", "metrics", ["8", "10"]),
        ("agreement.tsv", "metrics", ["9"]),
        ("features.parquet", "metrics", ["11", "12", "13"]),
        ("radiomics_dictionary.tsv", "clear", ["24", "26"]),
        ("importance.parquet", "claim", ["31"]),
        ("figures/flow.svg", "tripod_ai", ["20a"]),
        ("tables/table1.tsv", "tripod_ai", ["20b"]),
        ("manuscript/methods.txt", "claim", ["23", "42"]),
        ("models/*/chosen.tsv", "clear", ["32", "33", "35"]),
    ],
    ids=[
        *("splits", "audit", "metrics", "differences", "ct", "masks", "agreement", "features"),
        *("dictionary", "importance", "flow", "table1", "methods", "chosen"),
    ],
)
def test_a_deleted_file_turns_its_items_to_no_proof(own_run, files, checklist, items):
    if (
        files == "masks/*.json"
    ):  # METRICS 9 asks for automatic masks, and 8 and 10 for their records
        own_run = replace(own_run)
    before = answers(own_run, checklist)
    for path in own_run.results.glob(files):
        path.unlink()
    after = answers(replace(own_run), checklist)
    for item in items:
        assert before[item].answer != NO_PROOF, item
        assert after[item].answer == NO_PROOF, item
        assert files.split("*")[0] in after[item].value, item


def test_one_site_is_no_and_two_sites_are_yes(own_run):
    assert answers(own_run, "metrics")["4"].answer == NO
    cohort = own_run.cohort.assign(site=["A", "B"] * 8)
    write_table(own_run.results / "cohort.tsv", cohort)
    turned = answers(replace(own_run), "metrics")["4"]
    assert (turned.answer, turned.value) == (YES, "2 sites")
    write_table(own_run.results / "cohort.tsv", cohort.drop(columns="site"))
    assert answers(replace(own_run), "metrics")["4"].answer == AUTHORS


def test_a_ct_that_does_not_state_its_kernel_leaves_the_protocol_to_the_authors(own_run):
    assert answers(own_run, "metrics")["6"].answer == YES
    path = own_run.results / "ct/P03.json"
    write_json(path, read_json(path) | {"kernel": None})
    item = answers(own_run, "metrics")["6"]
    assert (item.answer, item.value) == (AUTHORS, "stated: kernel in 13 of 14")


def test_masks_of_models_alone_describe_themselves_and_those_of_persons_do_not(own_run):
    assert answers(own_run, "metrics")["8"].answer == AUTHORS
    for path in own_run.results.glob("masks/P*.json"):
        write_json(path, read_json(path) | {"source": "automatic"})
    found = answers(replace(own_run), "metrics")
    assert found["8"].answer == found["10"].answer == YES
    for path in own_run.results.glob("masks/P*.json"):
        write_json(path, read_json(path) | {"source": "given"})
    found = answers(replace(own_run), "metrics")
    assert found["9"].answer == NOT_APPLICABLE and found["10"].answer == AUTHORS


def test_a_patient_on_two_sides_of_a_split_is_no_proper_partition(own_run):
    assert answers(own_run, "metrics")["18"].answer == YES
    splits = pd.read_parquet(own_run.results / "splits.parquet")
    other = splits.iloc[:1].assign(
        role=lambda row: row["role"].map({"train": "test", "test": "train"})
    )
    write_table(own_run.results / "splits.parquet", pd.concat([splits, other]))
    item = answers(replace(own_run), "metrics")["18"]
    assert item.answer == NO and item.value.startswith("1 patients on two sides")


def test_a_failed_question_of_the_audit_is_no_proper_partition(own_run):
    audit = read_json(own_run.results / "audit.json")
    audit["checks"][0]["outcome"] = "failed"
    write_json(own_run.results / "audit.json", audit)
    assert answers(own_run, "metrics")["18"].answer == NO


def test_robust_features_need_both_the_key_and_the_table(own_run):
    assert answers(own_run, "metrics")["14"].answer == NO
    asked = with_config(own_run, radiomics={"min_icc": 0.8})
    assert answers(asked, "metrics")["14"].answer == AUTHORS
    write_table(own_run.results / "icc.parquet", pd.DataFrame({"feature": ["a"], "icc": [0.9]}))
    item = answers(asked, "metrics")["14"]
    assert (item.answer, item.value) == (YES, "ICC of at least 0.8 in training patients")


def test_a_study_from_a_feature_table_leaves_images_to_the_authors(run):
    table = with_config(run, features="mine.csv", patients=None)
    found = answers(table, "metrics")
    assert {found[item].answer for item in ("6", "8", "10", "11", "12", "13")} == {AUTHORS}
    assert found["8"].value == "the study started from a feature table"


def test_the_subtotal_is_the_weight_of_yes_over_the_weight_that_applies():
    rows = [("1", YES, 0.5), ("2", NO, 0.2), ("3", AUTHORS, 0.1), ("4", NOT_APPLICABLE, 0.2)]
    items = tuple(Answer("M", item, "", "", answer, weight=weight) for item, answer, weight in rows)
    score = metrics_score(Checklist("M", "", items))
    assert score == {"earned": 62.5, "no": 25.0, "for_authors": 12.5, "no_proof": 0.0}


def test_page_word_and_table_show_the_same_answers(run, tmp_path):
    write_checklists(run, tmp_path)
    table = pd.read_csv(tmp_path / "checklists.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert len(table) == sum(ITEMS.values())
    page = (tmp_path / "checklists.html").read_text()
    shown = re.findall(r'<td class="answer">([^<]*)</td>', page)
    assert shown == table["answer"].tolist()
    tables = docx.Document(tmp_path / "checklists.docx").tables
    in_word = [row.cells[2].text for part in tables for row in part.rows[1:]]
    assert in_word == table["answer"].tolist()
    score = read_json(tmp_path / "metrics_score.json")
    assert f"The run earns {score['earned']} % of the weight" in page
    assert sum(score.values()) == pytest.approx(100, abs=0.2)


def test_every_link_of_the_page_leads_to_a_file_or_folder_of_the_results(own_run):
    folder = own_run.results / "manuscript"
    write_checklists(own_run, folder)
    links = set(re.findall(r'href="(\.\./[^"]*)"', (folder / "checklists.html").read_text()))
    assert len(links) > 10
    for target in links:
        assert (folder / target).exists(), target


def test_a_value_with_markup_in_it_is_text_on_the_page(own_run):
    path = own_run.results / "ct/P01.json"
    write_json(path, read_json(path) | {"manufacturer": "<script>alert(1)</script>"})
    write_checklists(own_run, own_run.results)
    assert "<script>" not in (own_run.results / "checklists.html").read_text()
    shutil.rmtree(own_run.results)


def test_a_proof_of_several_files_links_to_their_folder():
    assert link(Answer("", "", "", "", YES, "models/*/chosen.tsv")) == "../models/"
    assert link(Answer("", "", "", "", NO)) == ""


def test_where_lesions_carry_the_label_values_are_by_lesion(own_run):
    metrics = own_run.metrics
    write_table(own_run.results / "metrics.parquet", metrics[metrics["level"] != "patient"])
    found = answers(replace(own_run), "metrics")
    assert found["21"].answer == YES and found["21"].value.endswith("AUCs by lesion")
    assert found["26"].answer == YES
