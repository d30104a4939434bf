"""From scans to patients: a patient is in the study while one scan is, and counts are summed."""

import pandas as pd
import pytest
from livermets.cohort.cohort_table import NO_LESION, list_cohort, read_cohort
from livermets.cohort.scans_table import labels_of_scans, patients_of_scans, scan_ids
from livermets.core.io import write_table

SHEET = pd.DataFrame(
    {
        "patient": ["A", "A", "B", "B", "C", "D"],
        "scan": ["01", "2", "1", "2", "1", "1"],
        "label": ["a", "a", "b", "b", "b", "a"],
        "age": ["61", "61", "70", "70", "55", "40"],
    }
)
BAD = {"excluded": {"stage": "import", "reason": "no CT"}}
GIVEN, DRAWN = {"source": "given"}, {"source": "corrected"}


def measured(lesions: int, liver: float | None, **further) -> dict:
    return {
        "n_components": lesions + 1,
        "n_lesions": lesions,
        "n_dropped": 1,
        "n_outside_liver": 0,
        "liver_ml": liver,
        "lesion_ml": 10.0 * lesions,
        "burden": 10.0 * lesions / liver if liver else None,
        "parenchyma_hu": 100.0 if liver else None,
        "lesion_hu": 40.0 + lesions if lesions else None,
    } | further


def scans() -> pd.DataFrame:
    masks = [GIVEN, DRAWN, GIVEN, BAD, BAD, GIVEN]
    none = {"excluded": BAD["excluded"]}
    crop = measured(2, None, liver_reason="the mask has no liver")
    found = [measured(1, 1000.0), measured(3, 2000.0), measured(0, 1500.0), none, none, crop]
    excluded = [{**SHEET.iloc[4].to_dict(), "scan": "2", "reason": "moved"}]
    return list_cohort(SHEET, masks, found, excluded)


def test_the_table_of_scans_has_a_row_for_each_with_its_own_reason():
    table = scans()
    assert list(table.columns[:6]) == ["patient", "scan", "label", "included", "stage", "reason"]
    assert table["included"].tolist() == [True, True, False, False, False, True, False]
    assert table["reason"].tolist()[2:5] == [NO_LESION, "no CT", "no CT"]
    assert scan_ids(table)[:2] == ["A@01", "A@2"]


def test_a_patient_whose_scans_differ_is_named_by_the_classes_of_those_in_the_study():
    table = scans()
    table.loc[1, "label"] = "b"
    assert labels_of_scans(table)["A@01"] == "a" and labels_of_scans(table)["A@2"] == "b"
    assert patients_of_scans(table).set_index("patient").loc["A", "label"] == "a + b"
    table.loc[1, "included"] = False
    assert patients_of_scans(table).set_index("patient").loc["A", "label"] == "a"


def test_a_patient_has_the_lesions_of_all_scans_and_the_mean_liver():
    cohort = patients_of_scans(scans()).set_index("patient")
    assert list(cohort.index) == ["A", "B", "C", "D"]
    a = cohort.loc["A"]
    assert a["included"] and (a["n_lesions"], a["n_dropped"], a["n_components"]) == (4, 2, 6)
    assert (a["n_scans"], a["n_scans_used"], a["mask_source"]) == (2, 2, "several")
    assert a["liver_ml"] == 1500 and a["burden"] == pytest.approx((0.01 + 0.015) / 2)
    assert a["lesion_hu"] == pytest.approx((1 * 41 + 3 * 43) / 4)  # over lesions, not scans
    assert a["age"] == "61"


def test_a_patient_is_out_with_the_last_scan_and_the_reason_names_each():
    cohort = patients_of_scans(scans()).set_index("patient")
    assert not cohort.loc["B", "included"] and cohort.loc["B", "stage"] == "lesions"
    assert cohort.loc["B", "reason"] == f"scan 1: {NO_LESION}; scan 2: no CT"
    assert cohort.loc["C", "reason"] == "scan 1: no CT; scan 2: moved"
    assert cohort.loc["C", "stage"] == "import" and cohort.loc["C", "n_scans_used"] == 0


def test_a_crop_without_a_liver_has_no_burden_and_says_why():
    cohort = patients_of_scans(scans()).set_index("patient")
    assert cohort.loc["D", "included"] and pd.isna(cohort.loc["D", "burden"])
    assert cohort.loc["D", "liver_reason"] == "the mask has no liver"
    assert cohort.loc["A", "liver_reason"] == "" and "scan" not in cohort


def test_scans_keep_their_names_in_a_file(tmp_path):
    write_table(tmp_path / "scans.tsv", scans())
    assert read_cohort(tmp_path / "scans.tsv")["scan"].tolist()[:2] == ["01", "2"]
