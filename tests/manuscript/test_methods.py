"""The methods section says what the run's files and configuration say, and nothing else."""

import re
from dataclasses import replace
from pathlib import Path

import docx
import pytest
from livermets.core.io import read_json, write_json, write_table
from livermets.manuscript.methods import methods_document, write_methods
from livermets.manuscript.references import all_references
from livermets.manuscript.run_files import RunFiles
from livermets.manuscript.text_formats import plain_text
from livermets.study.config import load_config

FOR_AUTHORS = "FOR THE AUTHORS"


def text_of(run: RunFiles) -> str:
    """The section as one line of text."""
    return " ".join(plain_text(methods_document(run)).split())


def with_config(run: RunFiles, **keys) -> RunFiles:
    return replace(run, config=load_config({"clinical": ["age", "sex"], **keys}))


@pytest.fixture(scope="module")
def text(run) -> str:
    return text_of(run)


def test_numbers_of_patients_and_lesions_are_those_of_the_cohort_table(run, text):
    cohort = run.cohort[run.cohort["included"]]
    pancreatic = cohort[cohort["label"] == "pancreatic"]
    lesions = int(pancreatic["n_lesions"].sum())
    assert "listed 16 patients" in text
    assert "Excluded were: 1 at the import of the CT; 1 at the review of the masks." in text
    assert f"{len(pancreatic)} patients with pancreatic primary ({lesions} lesions)" in text


def test_acquisition_is_that_of_the_records_and_names_what_they_do_not_state(text):
    assert "The analysis used 14 CTs." in text  # not the 16 of the sheet
    assert "Siemens (n = 14)" in text and "120 kVp (n = 14)" in text
    assert "The slice thickness was 1.5 mm." in text
    assert "did not state: contrast agent in 14 of 14." in text


def test_splits_are_counted_from_the_table_of_splits(text):
    assert "hold-out (1 split with 6 train and 8 test patients)" in text
    assert "cross-validation (10 splits with 10 to 12 train and 2 to 4 test patients)" in text


def test_features_are_counted_by_the_families_of_ibsi(text):
    assert "intensity histogram (2) and grey level co-occurrence matrix (1)" in text
    assert "2 features have an IBSI tag" in text and "1 deviate from it" in text


def test_models_are_the_evaluated_arms_and_not_what_the_configuration_allows(text):
    assert "The classifiers were K-nearest neighbours." in text
    assert "XGBoost" not in text
    assert "Of 90 candidate features a median of 9 remained." in text


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"lesions": {"min_diameter_mm": 8}}, "Lesions below 8 mm"),
        ({"lesions": {"diameter": "feret"}}, "longest diameter in three dimensions"),
        ({"lesions": {"connectivity": 6}}, "neighbours by faces, 6-connectivity"),
        ({"radiomics": {"settings": {"binWidth": 10}}}, "fixed bin size of 10 HU"),
        ({"radiomics": {"settings": {"binCount": 32}}}, "a fixed bin number of 32"),
        (
            {"radiomics": {"settings": {"resampledPixelSpacing": [1, 1, 1]}}},
            "interpolated to 1 × 1 × 1 mm (BSpline)",
        ),
        ({"radiomics": {"min_icc": 0.75}}, "an ICC(3,1) below 0.75"),
        ({"classification": {"max_correlation": 0.9}}, "Pearson correlation above 0.9"),
        ({"classification": {"tuning": {"iterations": 0}}}, "Hyperparameters kept their defaults"),
        ({"classification": {"weigh": "patients"}}, "Each patient had the same weight"),
        ({"evaluation": {"threshold": "youden"}}, "Youden's index on held-out training patients"),
        ({"evaluation": {"threshold": 0.3}}, "Scores of at least 0.3 were called positive"),
        ({"seed": 7}, "derive from the seed 7"),
        ({"densenet": {"epochs": 12}}, "at most 12 epochs"),
        ({"slices": {"width": 400, "level": 40}}, "windowed to 400 HU around 40 HU"),
        ({"masks": {"blind_review": False}}, "The worklist showed the class of each patient."),
        (
            {"imaging": {"inclusion": {"max_slice_thickness_mm": 3, "unknown": "exclude"}}},
            "a slice thickness of 3 mm at most; a CT that did not state a value was excluded",
        ),
    ],
    ids=[
        *("min-diameter", "diameter", "connectivity", "bin-width", "bin-count", "spacing"),
        *("min-icc", "correlation", "no-tuning", "weigh", "youden", "threshold", "seed"),
        *("epochs", "window", "blind", "inclusion"),
    ],
)
def test_a_changed_key_of_the_configuration_changes_the_sentence(run, text, keys, sentence):
    assert sentence not in text
    assert sentence in text_of(with_config(run, **keys))


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        ("cohort.tsv", "results/cohort.tsv is not there"),
        ("ct/*.json", "results/ct are not there"),
        ("masks/*.json", "results/masks are not there"),
        ("lesions/*.json", "results/lesions are not there"),
        ("radiomics_dictionary.tsv", "results/radiomics_dictionary.tsv is not there"),
        ("splits.parquet", "results/splits.parquet is not there"),
        ("metrics.parquet", "results/metrics.parquet is not there"),
    ],
    ids=["cohort", "ct", "masks", "lesions", "dictionary", "splits", "metrics"],
)
def test_what_a_deleted_file_told_is_left_to_the_authors(own_run, text, files, hint):
    assert hint not in text
    for path in own_run.results.glob(files):
        path.unlink()
    shown = text_of(own_run)
    assert hint in shown and FOR_AUTHORS in shown


def test_controls_are_named_only_where_their_file_is_there(own_run, text):
    assert "permutations of the labels" not in text
    write_json(own_run.results / "permutation_test.json", {"p": 0.02})
    assert "trained on 200 permutations of the labels" in text_of(own_run)


def test_a_study_of_phantoms_says_so_and_asks_for_no_ethics(run):
    shown = text_of(with_config(run, phantoms={}))
    assert "digital phantoms" in shown and "ethics" not in shown


def test_a_study_from_a_feature_table_speaks_of_no_images(run):
    shown = text_of(with_config(run, features="mine.csv", patients=None))
    assert "given as a table" in shown
    assert "Image acquisition" not in shown and "pyradiomics" not in shown


@pytest.fixture(scope="module")
def written(run, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    write_methods(run, folder)
    return folder


def test_word_holds_the_sentences_and_the_references_of_the_text(written, text):
    word = docx.Document(written / "methods.docx")
    shown = " ".join(" ".join(paragraph.text for paragraph in word.paragraphs).split())
    assert shown == re.sub(r" (=|-){4,}", "", text)


def test_every_citation_of_the_latex_file_is_in_the_bib_file(written):
    tex, bib = ((written / f"methods.{end}").read_text() for end in ("tex", "bib"))
    cited = {key for group in re.findall(r"\\cite\{([^}]*)\}", tex) for key in group.split(",")}
    assert cited == set(re.findall(r"^@\w+\{(\w+),", bib, re.MULTILINE))
    assert {"ibsi", "obuchowski", "densenet"} <= cited
    assert tex.count("{") - tex.count(r"\{") == tex.count("}") - tex.count(r"\}")
    body = tex.split(r"\begin{document}")[1]
    assert not re.search(r"(?<!\\)[%&#$]", body)


def test_two_runs_write_the_same_bytes(run, written, tmp_path):
    write_methods(run, tmp_path)
    names = [path.name for path in sorted(tmp_path.iterdir())]
    assert len(names) == 5
    for name in names:
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes(), name


def test_a_value_with_markup_in_it_neither_cites_nor_commands(own_run):
    path = own_run.results / "ct/P01.json"
    write_json(path, read_json(path) | {"manufacturer": "A_1 [@riley]\n\n## B & {C}"})
    document = methods_document(own_run)
    assert "[ @riley] ## B & {C}" in " ".join(plain_text(document).split())
    assert [block.text(document.numbers) for block in document.blocks if block.heading][:2] == [
        "Patients",
        "Image acquisition",
    ]
    write_methods(own_run, own_run.results)
    tex = (own_run.results / "methods.tex").read_text()
    assert r"A\_1 [ @riley] \#\# B \& \{C\}" in tex


def test_every_reference_can_be_found():
    for key, entry in all_references().items():
        assert {"type", "author", "title", "year"} <= set(entry), key
        assert re.fullmatch(r"10\.\d{4,}/\S+", entry["doi"]) if "doi" in entry else True, key
    without = {key for key, entry in all_references().items() if "doi" not in entry}
    assert without == {"sklearn", "imblearn"}  # the journal gives none


def test_patients_with_lesions_of_several_classes_are_counted_apart(own_run):
    cohort = own_run.cohort.assign(included=own_run.cohort["included"])
    cohort.loc[:1, "label"] = "colorectal + pancreatic"
    write_table(own_run.results / "cohort.tsv", cohort)
    metrics = own_run.metrics
    write_table(own_run.results / "metrics.parquet", metrics[metrics["level"] != "patient"])
    shown = text_of(replace(own_run))
    lesions = int(cohort.loc[:1, "n_lesions"].sum())
    assert f"2 patients with colorectal + pancreatic primary ({lesions} lesions)" in shown
    assert "Results are given by lesion, since" in shown and "Riley" not in shown
