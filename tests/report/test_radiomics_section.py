"""The report says what the features are, what they were made with and how steady they are."""

import csv
import json

import pandas as pd
import pyarrow.parquet as pq
import pytest
from helpers.report import render
from livermets.features.features_table import assemble_features
from livermets.radiomics.dictionary import COLUMNS, dictionary_rows
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_classes import FEATURE_CLASSES
from livermets.radiomics.feature_files import REASON, read_rows
from livermets.radiomics.ibsi import IBSI_TAGS
from livermets.report.figures.robustness import draw_robustness
from livermets.report.sections.radiomics import feature_summary, icc_summary
from livermets.report.study_results import read_dictionary

SETS = {"original": {}, "shuffled": {"shuffle": True}, "log": {"filter": "log", "sigma_mm": [2]}}
SETTINGS = {"binWidth": 25}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The features table of a study of one patient, its dictionary, ICCs and their figure."""
    folder = tmp_path_factory.mktemp("study")
    extractor = LesionExtractor(SETTINGS, FEATURE_CLASSES, SETS)
    row = {"lesion": 1} | dict.fromkeys(extractor.columns, 1.0) | {REASON: ""}
    extractor.write([row], folder / "A.parquet")
    facts = {"lesion": [1], "kept": [True], "volume_ml": [1.0], "diameter_mm": [9.0]}
    pd.DataFrame(facts | {"mean_hu": [45.0]}).to_csv(folder / "A.tsv", sep="\t", index=False)
    who = {"patient": ["A"], "label": ["x"], "included": [True], "n_lesions": [1], "burden": [0.1]}
    cohort = pd.DataFrame(who | {"liver_ml": [1500.0], "parenchyma_hu": [90.0]})
    table = assemble_features(cohort, [folder / "A.parquet"], [folder / "A.tsv"], {"A": "x"})
    table.to_parquet(folder / "features.parquet", index=False)
    with open(folder / "dictionary.tsv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t")
        writer.writeheader()
        writer.writerows(dictionary_rows(extractor.sets))
    steady = ["original_firstorder_Mean", "original_glcm_Id", "original_glcm_MCC"]
    icc = pd.DataFrame(
        {
            "split": ["a"] * 3 + ["b"] * 3,
            "feature": steady * 2,
            "icc": [0.99, 0.5, 0.3, 0.95, 0.92, float("nan")],
            "lesions": [20, 20, 20, 18, 18, 18],
        }
    )
    icc.to_parquet(folder / "icc.parquet", index=False)
    by_size = icc.rename(columns={"split": "label"}).assign(size=0, low_ml=0.1, high_ml=3.0)
    draw_robustness(by_size, 0.9, folder / "robustness.svg")
    return folder


def test_the_features_table_keeps_what_its_radiomics_were_made_with(files):
    made_with = read_rows(files / "A.parquet")[1]
    assert pd.read_parquet(files / "features.parquet").attrs["radiomics"] == made_with
    raw = pq.read_schema(files / "features.parquet").metadata[b"PANDAS_ATTRS"]
    assert json.loads(raw)["radiomics"]["versions"]["pyradiomics"] == "3.0.1"


def test_columns_are_counted_by_set_and_by_what_they_can_be_compared_with(files):
    summary = feature_summary(files / "features.parquet", read_dictionary(files / "dictionary.tsv"))
    assert [(s["name"], s["features"]) for s in summary["sets"]] == [
        *(("original", 116), ("shuffled", 116), ("log", 93))
    ]
    assert summary["n"] == 116 + 116 + 93
    shape = sum(name.startswith("shape_") for name in IBSI_TAGS) - 3
    # Of shuffled lesions the shape alone; 24 features count grey levels from the lesion's own.
    assert summary["n_comparable"] == 107 - 9 - 24 + shape
    rows = {row["reason"]: row for row in summary["not_comparable"]}
    assert sum(row["n"] for row in rows.values()) + summary["n_comparable"] == summary["n"]
    assert rows["pyradiomics does not subtract 3"]["features"] == "firstorder_Kurtosis"
    control = rows["a control: the voxels are shuffled"]
    assert control["n"] == 93
    assert control["features"].startswith("shuffled: 93 of firstorder, glcm")
    assert summary["sha256"] == read_rows(files / "A.parquet")[1]["sha256"]


def test_the_report_counts_what_the_minimum_icc_left_out(files):
    summary = icc_summary(pd.read_parquet(files / "icc.parquet"), 0.9)
    assert (summary["least"], summary["most"], summary["of"]) == (1, 2, 3)
    assert summary["lesions"] == (18, 20)


def test_the_section_stands_where_radiomics_were_extracted(results, files):
    parts = {
        "features": files / "features.parquet",
        "dictionary": read_dictionary(files / "dictionary.tsv"),
        "icc": pd.read_parquet(files / "icc.parquet"),
        "icc_figure": files / "robustness.svg",
    }
    page = render(results, config=results.config | {"radiomics": {"min_icc": 0.9}}, **parts)
    for text in (
        ">Radiomics features<",
        'href="radiomics_dictionary.tsv"',
        "1 to 2 of 3",
        "18 to 20 training lesions",
        "binWidth: 25",
        'alt="Intraclass correlation of every feature',
        read_rows(files / "A.parquet")[1]["sha256"],
    ):
        assert text in page, text
    page = render(results, features=parts["features"], dictionary=parts["dictionary"])
    assert ">Radiomics features<" in page and "Robustness of the features" not in page
    assert ">Radiomics features<" not in render(results)
