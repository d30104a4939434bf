"""The report says what the features are, what they were made with and how steady they are."""

import csv
import json

import pandas as pd
import pyarrow.parquet as pq
import pytest
from livermets.evaluation.evaluate import evaluate
from livermets.features.features_table import assemble_features
from livermets.radiomics.dictionary import COLUMNS, dictionary_rows
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_classes import FEATURE_CLASSES
from livermets.radiomics.feature_files import REASON, read_rows
from livermets.radiomics.ibsi import IBSI_TAGS
from livermets.report.figures.robustness import draw_robustness
from livermets.report.sections.radiomics import radiomics_facts
from report.test_render import CONFIG, PREDICTIONS, render

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
    table = assemble_features(cohort, [folder / "A.parquet"], [folder / "A.tsv"])
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


def facts_of(folder, **options):
    return radiomics_facts(folder / "features.parquet", folder / "dictionary.tsv", **options)


def test_the_features_table_keeps_what_its_radiomics_were_made_with(files):
    made_with = read_rows(files / "A.parquet")[1]
    assert pd.read_parquet(files / "features.parquet").attrs["radiomics"] == made_with
    raw = pq.read_schema(files / "features.parquet").metadata[b"PANDAS_ATTRS"]
    assert json.loads(raw)["radiomics"]["versions"]["pyradiomics"] == "3.0.1"


def test_columns_are_counted_by_set_and_by_what_they_can_be_compared_with(files):
    facts = facts_of(files)
    assert [(s["name"], s["features"]) for s in facts["sets"]] == [
        *(("original", 116), ("shuffled", 116), ("log", 93))
    ]
    assert facts["n"] == 116 + 116 + 93
    shape = sum(name.startswith("shape_") for name in IBSI_TAGS) - 3
    assert facts["n_comparable"] == 107 - 9 + shape  # of shuffled lesions the shape alone
    apart = {row["why"]: row for row in facts["apart"]}
    assert sum(row["n"] for row in apart.values()) + facts["n_comparable"] == facts["n"]
    assert apart["pyradiomics does not subtract 3"]["features"] == "firstorder_Kurtosis"
    every = apart["a control: the voxels are shuffled"]
    assert every["n"] == 93 and every["features"].startswith("shuffled: all of firstorder, glcm")
    assert facts["sha256"] == read_rows(files / "A.parquet")[1]["sha256"]


def test_the_report_counts_what_the_least_icc_left_out(files):
    given = (files / "icc.parquet", files / "robustness.svg")
    found = facts_of(files, robustness=given, min_icc=0.9)["robustness"]
    assert (found["least"], found["most"], found["of"]) == (1, 2, 3)
    assert found["lesions"] == (18, 20)
    assert found["figure"].startswith("data:image/svg+xml")
    assert facts_of(files)["robustness"] is None
    assert radiomics_facts(None, None) is None


def test_the_section_stands_where_there_are_radiomics_of_our_own(files, tmp_path):
    metrics = evaluate(PREDICTIONS, CONFIG["classes"], CONFIG["positive"], draws=20)
    config = CONFIG | {"radiomics": {"min_icc": 0.9}}
    page = render(
        tmp_path,
        metrics,
        config=config,
        features=files / "features.parquet",
        dictionary=files / "dictionary.tsv",
        robustness=(files / "icc.parquet", files / "robustness.svg"),
    )
    for text in (
        "What the features are",
        'href="radiomics_dictionary.tsv"',
        "1 to 2 of 3",
        "18 to 20 training lesions",
        "binWidth: 25",
        read_rows(files / "A.parquet")[1]["sha256"],
    ):
        assert text in page, text
    assert "What the features are" not in render(tmp_path, metrics)
