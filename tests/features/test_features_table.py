"""The features table, gathered from the radiomics of the cohort's patients."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from livermets.audit.label_leaks import duplicated_lesions
from livermets.cohort.scans_table import labels_of_scans
from livermets.core.errors import BadInput, BadPatient
from livermets.features.features_table import (
    FACTS,
    assemble_features,
    feature_columns,
    image_hashes,
)
from livermets.study.clinical_columns import clinical_columns

NAMES = [f"original_firstorder_F{i:02}" for i in range(12)]


@pytest.fixture
def results(tmp_path):
    """A cohort of four patients, B excluded and D without clinical age, with their files."""
    kept = {"A": [True, True, False], "B": [], "C": [True], "D": [True, False]}
    cohort = pd.DataFrame(
        {
            "patient": list(kept),
            "label": ["colorectal", "colorectal", "pancreatic", "pancreatic"],
            "included": [True, False, True, True],
            "stage": ["", "lesions", "", ""],
            "age": [61.0, 40.0, 55.0, np.nan],
            "n_lesions": [2, 0, 1, 1],
            "burden": [0.25, 0.0, 0.125, 0.5],
            "liver_ml": [1500.0, 1400.0, 1300.0, 1200.0],
            "parenchyma_hu": [90.5, 91.5, 92.5, 93.5],
        }
    )
    rng = np.random.default_rng(4)
    paths = {}
    for patient, keep in kept.items():
        numbers = np.arange(1, len(keep) + 1)
        table = pd.DataFrame({"lesion": numbers, "kept": keep, "volume_ml": numbers / 4.0})
        table = table.assign(diameter_mm=10.0 * numbers, mean_hu=45.0, voxels=99)
        paths[patient] = (tmp_path / f"{patient}.parquet", tmp_path / f"{patient}.tsv")
        table.to_csv(paths[patient][1], sep="\t", index=False)
        write_radiomics(numbers[np.array(keep, bool)], paths[patient][0], rng)
    return cohort, paths


def write_radiomics(lesions, path, rng, digest="one"):
    columns = {"lesion": pa.array(lesions, pa.int64())}
    columns |= {name: pa.array(rng.normal(size=len(lesions)), pa.float64()) for name in NAMES}
    columns["radiomics_reason"] = pa.array([""] * len(lesions), pa.string())
    table = pa.table(columns)
    pq.write_table(
        table.replace_schema_metadata({"livermets": json.dumps({"sha256": digest})}), path
    )


def gathered(cohort, paths, clinical=()):
    radiomics, lesions = zip(*paths.values(), strict=True)
    return assemble_features(cohort, radiomics, lesions, labels_of_scans(cohort), clinical)


def test_one_row_per_kept_lesion_of_the_included_in_the_sheets_order(results):
    cohort, paths = results
    table = gathered(cohort.iloc[::-1], paths, ["age"])
    ids = list(table[["patient", "lesion"]].itertuples(index=False, name=None))
    assert ids == [("D", 1), ("C", 1), ("A", 1), ("A", 2)]
    assert list(table.columns) == [
        *("patient", "lesion", "label", "volume_ml", "diameter_mm", "mean_hu", "n_lesions"),
        *("burden", "liver_ml", "parenchyma_hu", "clinical_age", *NAMES, "radiomics_reason"),
    ]
    assert feature_columns(table) == NAMES
    assert clinical_columns(table) == ["clinical_age"]
    assert set(FACTS) <= set(table.columns)
    last = table.iloc[3]
    assert (last["label"], last["volume_ml"], last["burden"]) == ("colorectal", 0.5, 0.25)
    assert last[NAMES[0]] == pq.read_table(paths["A"][0])[NAMES[0]][1].as_py()
    assert np.isnan(table.loc[0, "clinical_age"])
    assert table[["lesion", "n_lesions"]].dtypes.eq("int64").all()


def test_lesions_have_the_label_of_their_scan_where_scans_have_one(results):
    cohort, paths = results
    radiomics, lesions = zip(*paths.values(), strict=True)
    own = {"A": "pancreatic", "C": "colorectal", "D": "pancreatic"}
    table = assemble_features(cohort, radiomics, lesions, own)
    assert table["label"].tolist() == ["pancreatic", "pancreatic", "colorectal", "pancreatic"]


def test_a_cohort_read_back_from_its_tsv_gives_the_same_bytes(results, tmp_path):
    cohort, paths = results
    cohort.to_csv(tmp_path / "cohort.tsv", sep="\t", index=False)
    again = pd.read_csv(tmp_path / "cohort.tsv", sep="\t", dtype={"patient": str})
    for name, sheet in (("one", cohort), ("two", again)):
        gathered(sheet, paths, ["age"]).to_parquet(tmp_path / name, index=False)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_features_of_other_lesions_than_those_kept_name_the_patient(results):
    cohort, paths = results
    write_radiomics([1, 3], paths["A"][0], np.random.default_rng(0))
    with pytest.raises(BadPatient, match=r"patient A: lesions \[1, 2\] were kept.*\[1, 3\].*run"):
        gathered(cohort, paths)


def test_features_made_with_two_settings_are_not_mixed(results):
    cohort, paths = results
    write_radiomics([1], paths["C"][0], np.random.default_rng(0), digest="two")
    with pytest.raises(BadInput, match="patients A and C were extracted with different settings"):
        gathered(cohort, paths)


def test_a_cohort_without_any_lesion_says_so(results):
    cohort, paths = results
    with pytest.raises(BadInput, match="no included patient has a lesion.*min_diameter_mm"):
        gathered(cohort.assign(included=False), paths)


def test_one_ct_given_for_two_patients_is_found(results):
    cohort, paths = results
    shutil.copy(paths["C"][0], paths["D"][0])
    table = gathered(cohort, paths)
    assert duplicated_lesions(table, feature_columns(table)) == [[("C", 1), ("D", 1)]]


def test_the_hashes_of_images_are_those_of_their_records(tmp_path):
    for patient, record in (("A", {"sha256": "12ab"}), ("B", {"excluded": "no", "sha256": None})):
        (tmp_path / f"{patient}.json").write_text(json.dumps(record))
    assert image_hashes([tmp_path / "A.json", tmp_path / "B.json"]) == {"A": "12ab"}
