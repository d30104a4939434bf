"""The report and its tables: one file, everything escaped, and what is missing is said."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.prediction_tables import make_cohort, make_importance, make_predictions, make_splits
from livermets.cohort.cohort_table import read_cohort
from livermets.core.errors import BadInput
from livermets.evaluation.confusion import confusion
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.report.flow_diagram import draw_flow
from livermets.report.paper_tables import (
    number,
    p_value,
    table1,
    table3,
    with_interval,
    write_tables,
)
from livermets.report.render import render_report, software_versions
from livermets.report.sections.reviewer_questions import both_sides
from livermets.report.sections.training_notes import fit_notes
from livermets.review.agreement_table import COLUMNS

COHORT = make_cohort(14)
SPLITS = make_splits(COHORT)
PREDICTIONS = make_predictions(COHORT, SPLITS, ["knn"])
CONFUSION = confusion(PREDICTIONS, CLASSES, POSITIVE, draws=20)
CONFIG = {
    "classes": CLASSES,
    "positive": POSITIVE,
    "seed": 2023,
    "clinical": ["age", "sex"],
    "features": None,
    "evaluation": {"bootstrap_draws": 20, "threshold": 0.5},
}


@pytest.fixture(scope="module")
def metrics() -> pd.DataFrame:
    return evaluate(PREDICTIONS, CLASSES, POSITIVE, draws=20)


@pytest.fixture(scope="module")
def differences() -> pd.DataFrame:
    return compare_arms(PREDICTIONS, CLASSES, POSITIVE, draws=20)


def render(tmp_path, metrics, differences=None, **options) -> str:
    figures = tmp_path / "figures"
    draw_flow(figures / "flow.svg", cohort=COHORT, splits=SPLITS, classes=CLASSES)
    given = {"config": CONFIG, "cohort": COHORT, "splits": SPLITS, "metrics": metrics}
    given |= {"figures": figures, "differences": differences, "importance": make_importance()}
    given |= {"confusion": CONFUSION}
    return render_report(tmp_path / "report.html", **given | options).read_text(encoding="utf-8")


class Checker(HTMLParser):
    """Collects what a browser would fetch, the ids, and tags left open."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched, self.ids, self.targets, self.open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.fetched += [given[name] for name in ("src", "srcset", "data") if name in given]
        self.fetched += [given["href"]] if tag == "link" else []
        self.targets += [given["href"]] if tag == "a" and given["href"].startswith("#") else []
        self.ids += [given["id"]] if "id" in given else []
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_one_well_formed_file_that_fetches_nothing(tmp_path, metrics, differences):
    page = render(tmp_path, metrics, differences)
    checker = Checker()
    checker.feed(page)
    assert not checker.open
    assert all(source.startswith("data:") for source in checker.fetched)
    assert "<script" not in page
    assert not re.search(r"url\(|@import", page)
    assert {target[1:] for target in checker.targets} <= set(checker.ids)
    assert len(set(checker.ids)) == len(checker.ids)


def test_the_audit_stands_in_the_report_with_its_warnings(tmp_path, metrics):
    assert "audit was not part of this run" in render(tmp_path, metrics)
    finding = {"outcome": "warned", "patients": ["P01", "P1"], "text": "P01 and P1 <may> be one"}
    audit = {"passed": True, "checks": [
        {"check": "Two sides?", "outcome": "passed", "looked_at": "11 splits", "findings": []},
        {"check": "A CT?", "outcome": "not applicable", "looked_at": "", "findings": []},
        {"check": "Ids?", "outcome": "warned", "looked_at": "14 ids", "findings": [finding]},
    ]}  # fmt: skip
    page = render(tmp_path, metrics, audit=audit)
    for text in ("11 splits", "nothing of the kind", "P01 and P1 &lt;may&gt; be one",
                 "1 of its checks ended in a warning"):  # fmt: skip
        assert text in page


def test_confusion_and_both_kinds_of_differences_stand_in_the_report(
    tmp_path, metrics, differences
):
    page = render(tmp_path, metrics, differences)
    assert "colorectal called pancreatic" in page
    assert "Does resampling help?" in page
    one = CONFUSION.query("arm == 'knn-none' and scheme == 'holdout' and level == 'lesion'").iloc[0]
    assert f"{one['count']:.0f}; {with_interval(one['share'], one['low'], one['high'])}" in page
    row = differences.query("against == 'as is' and level == 'lesion'").iloc[0]
    assert with_interval(row["difference"], row["low"], row["high"]) in page


def test_arms_without_a_threshold_of_their_own_are_named(tmp_path):
    own = PREDICTIONS.assign(threshold=0.3)
    own.loc[own["arm"] == "densenet121", "threshold"] = np.nan
    metrics = evaluate(own, CLASSES, POSITIVE, draws=10, threshold="youden")
    evaluation = {"bootstrap_draws": 10, "threshold": "youden"}
    page = render(tmp_path, metrics, config=CONFIG | {"evaluation": evaluation})
    assert "so 0.5 decides: densenet121." in page
    assert "held-out training patients" in page


def test_every_section_stands_and_numbers_are_formatted(tmp_path, metrics, differences):
    page = render(tmp_path, metrics, differences)
    for text in ("Table 1", "Table 2", "Table 3: hold-out", "Table 3: cross-validation", "SMOTE",
                 "DenseNet-121", "Lesion volume alone", "seed: 2023", "scikit-learn",
                 "10.1186/s40644-023-00612-4", "the DICOM folder holds two series"):  # fmt: skip
        assert text in page, text
    auc = metrics.query("arm == 'knn-smote' and scheme == 'cv' and level == 'lesion'").iloc[0]
    assert with_interval(auc["value"], auc["low"], auc["high"]) in page
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)


def test_the_same_tables_give_the_same_bytes(tmp_path, metrics):
    assert render(tmp_path, metrics) == render(tmp_path, metrics)


def test_what_a_person_wrote_is_escaped(tmp_path, metrics):
    cohort = COHORT.copy()
    cohort.loc[len(cohort) - 1, "reason"] = "<script>alert('x')</script> & more"
    page = render(tmp_path, metrics, cohort=cohort, config=CONFIG | {"note": "</pre><b>"})
    assert "<script>" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more" in page
    assert "&lt;/pre&gt;&lt;b&gt;" in page


def test_a_study_from_features_says_what_it_does_not_have(tmp_path, metrics):
    cohort = COHORT[COHORT["included"]][["patient", "label", "included"]].assign(n_lesions=3)
    radiomics = metrics[~metrics["arm"].isin(["densenet121", "baseline_volume"])]
    page = render(
        tmp_path,
        radiomics,
        cohort=cohort,
        config=CONFIG | {"features": "mine.csv", "clinical": []},
        importance=None,
    )
    for text in ("There are no images in this study", "DenseNet-121 was not part of this run",
                 "There are no masks in this run", "No feature importance", "Not answered",
                 "no baseline of lesion volume", "None: all 14 patients"):  # fmt: skip
        assert text in page, text


def test_phantoms_are_called_phantoms(tmp_path, metrics):
    assert "digital phantoms, not patients" in render(
        tmp_path, metrics, config=CONFIG | {"phantoms": {"patients": 3}}
    )


def test_an_arm_tested_on_less_than_the_others_is_named(tmp_path):
    some = PREDICTIONS[PREDICTIONS["split"] == "holdout"]
    fewer = some[(some["arm"] != "densenet121") | (some["lesion"] == 1)]
    page = render(tmp_path, evaluate(fewer, CLASSES, POSITIVE, draws=10))
    assert "densenet121 (8 patients, 8 lesions" in page


def test_a_patient_on_both_sides_is_named():
    assert both_sides(SPLITS)["good"] is True
    leaking = pd.concat([SPLITS, SPLITS.iloc[:1].assign(role="test"), SPLITS.iloc[:1]])
    leaking.iloc[-1, leaking.columns.get_loc("role")] = "train"
    answer = both_sides(leaking)
    assert answer["good"] is False
    assert SPLITS["patient"].iloc[0] in answer["short"]


def test_a_table_of_something_else_is_refused(tmp_path, metrics):
    with pytest.raises(BadInput, match="metrics: the column level is missing"):
        render(tmp_path, metrics.drop(columns="level"))
    with pytest.raises(BadInput, match="splits: the column role"):
        render(tmp_path, metrics, splits=SPLITS.drop(columns="role"))


def test_table1_counts_included_patients_and_their_lesions():
    table = table1(COHORT, CLASSES, ["age", "sex"]).set_index("characteristic")
    used = COHORT[COHORT["included"]]
    assert table.loc["Patients", "overall"] == "14"
    assert table.loc["Lesions", "overall"] == f"{used['n_lesions'].sum():.0f}"
    quartiles = used["age"].quantile([0.5, 0.25, 0.75])
    assert table.loc["age", "overall"] == "{:.1f} [{:.1f}, {:.1f}]".format(*quartiles)
    women = (used["sex"] == "F").sum()
    assert f"{women} ({100 * women / 14:.1f})" in set(table.loc["sex", "overall"])


def test_table1_takes_clinical_columns_as_the_sheet_has_them():
    cohort = COHORT.assign(age=COHORT["age"].astype(str), stage_t="", empty="")
    cohort.loc[0, "age"] = ""
    cohort.loc[1, "stage_t"] = "T2"
    table = table1(cohort, CLASSES, ["age", "stage_t", "empty"])
    age = table[table["characteristic"] == "age"].iloc[0]
    assert age["missing"] == "1"
    assert "[" in age["overall"]
    assert "empty" not in set(table["characteristic"])


def test_table3_has_every_arm_once_per_scheme_and_level(metrics):
    table = table3(metrics)
    assert len(table) == 8 * 2 * 3
    assert not table.duplicated(["scheme", "level", "arm"]).any()
    assert list(table["scheme"].drop_duplicates()) == ["holdout", "cv"]
    assert {"average_precision", "mcc", "calibration_slope", "net_benefit_high"} <= set(table)
    row = table.query("arm == 'knn-smote' and scheme == 'cv' and level == 'patient'").iloc[0]
    auc = metrics.query(
        "arm == 'knn-smote' and scheme == 'cv' and level == 'patient' and metric == 'auc'"
    ).iloc[0]
    assert (row["auc"], row["auc_low"], row["auc_high"]) == tuple(auc[["value", "low", "high"]])


def test_tables_are_written_the_same_from_files_and_frames(tmp_path, metrics, differences):
    COHORT.to_csv(tmp_path / "cohort.tsv", sep="\t", index=False)
    metrics.to_parquet(tmp_path / "metrics.parquet")
    options = {"classes": CLASSES, "clinical": ["age", "sex"], "importance": make_importance()}
    frames = write_tables(
        tmp_path / "a", cohort=COHORT, metrics=metrics, differences=differences, **options
    )
    files = write_tables(
        tmp_path / "b",
        cohort=tmp_path / "cohort.tsv",
        metrics=tmp_path / "metrics.parquet",
        differences=differences,
        **options,
    )
    assert set(frames) == {"table1", "table2", "table3", "differences", "confusion"}
    for name in frames:
        assert frames[name].read_bytes() == files[name].read_bytes(), name


def test_a_cohort_file_keeps_ids_as_text_and_reads_included(tmp_path):
    COHORT.assign(patient="007").to_csv(tmp_path / "cohort.tsv", sep="\t", index=False)
    cohort = read_cohort(tmp_path / "cohort.tsv")
    assert set(cohort["patient"]) == {"007"}
    assert cohort["included"].sum() == 14
    assert (cohort["reason"].iloc[0], cohort["included"].dtype) == ("", bool)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.873, 0.6, 1.0), "0.87 (0.60–1.00)"),
        ((-0.1, -0.21, 0.02), "−0.10 (−0.21 to 0.02)"),
        ((0.5, np.nan, np.nan), "0.50 (no interval)"),
        ((np.nan, np.nan, np.nan), "not defined"),
    ],
    ids=["above zero", "below zero", "no interval", "not defined"],
)
def test_intervals_print_as_a_paper_would(values, text):
    assert with_interval(*values) == text


def test_numbers_and_p_values_print_sensibly():
    assert number(np.nan) == "–"
    assert [p_value(p) for p in (0.0001, 0.0131, 0.21, np.nan)] == ["< 0.001", "0.013", "0.21", "–"]


def test_software_versions_name_python_and_this_package():
    assert {"Python", "livermets", "numpy"} <= set(software_versions())


def test_agreement_of_the_masks_is_shown_where_there_is_any(tmp_path, metrics):
    row = dict.fromkeys(COLUMNS, 1.0) | {"patient": "P01", "source": "corrected", "lesions": 5}
    pd.DataFrame([row]).to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    page = render(tmp_path, metrics, agreement=tmp_path / "a.tsv")
    assert "How far corrections went" in page and "1 of 5" in page
    pd.DataFrame(columns=list(COLUMNS)).to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    assert "How far corrections" not in render(tmp_path, metrics, agreement=tmp_path / "a.tsv")


def test_what_was_done_otherwise_than_asked_is_counted_over_arms_and_splits(
    tmp_path, metrics, differences
):
    few, gone = "SMOTE with 3 neighbours: a class has 4 rows", "left out, constant or empty: a"
    tables = [
        pd.DataFrame({"arm": "knn-smote", "split": ["f1", "f2"], "note": [f"{gone}; {few}", gone]}),
        pd.DataFrame({"arm": "svm-none", "split": ["f1", "f2"], "note": [gone, None]}),
    ]
    assert fit_notes(tables) == [
        {"note": gone, "arms": 2, "fits": 3},
        {"note": few, "arms": 1, "fits": 1},
    ]
    assert f"{gone}: in 3 fits of 2 arms" in render(tmp_path, metrics, differences, chosen=tables)
    assert "otherwise than asked" not in render(tmp_path, metrics, differences)
