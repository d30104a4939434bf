"""The cohort table: who is included, and that a file gives back what was written."""

import numpy as np
import pandas as pd
import pytest
from livermets.cohort.cohort_table import (
    NO_LESION,
    cohort_of_features,
    list_cohort,
    read_cohort,
)
from livermets.core.errors import BadInput
from livermets.core.io import write_table

SHEET = pd.DataFrame(
    {"patient": ["01", "02", "03"], "label": ["a", "b", "b"], "site": ["07", "7", "8"]}
)
MEASURED = {"n_lesions": 2, "n_components": 3, "burden": 0.1}


def test_a_patient_with_lesions_of_two_classes_has_a_label_that_names_both():
    features = pd.DataFrame({"patient": ["q", "p", "p", "p"], "label": ["b", "b", "a", "b"]})
    cohort = cohort_of_features(features, None)
    assert cohort.set_index("patient")["label"].to_dict() == {"q": "b", "p": "a + b"}
    assert list(cohort["n_lesions"]) == [1, 3]


def listed() -> pd.DataFrame:
    masks = [
        {"source": "given"},
        {"source": "given"},
        {"excluded": {"stage": "import", "reason": "x"}},
    ]
    return list_cohort(SHEET, masks, [MEASURED, {"n_lesions": 0}, {}])


def test_a_patient_is_out_by_their_record_or_for_want_of_a_lesion():
    cohort = listed()
    assert cohort["included"].tolist() == [True, False, False]
    assert cohort["stage"].tolist() == ["", "lesions", "import"]
    assert cohort["reason"].tolist() == ["", NO_LESION, "x"]
    assert cohort["mask_source"].tolist() == ["given", "given", ""]


def test_a_file_is_read_with_ids_as_text_and_included_as_bool(tmp_path):
    write_table(tmp_path / "cohort.tsv", listed())
    cohort = read_cohort(tmp_path / "cohort.tsv")
    assert cohort["patient"].tolist() == ["01", "02", "03"]
    assert cohort["included"].dtype == bool
    assert cohort["stage"].tolist() == ["", "lesions", "import"]
    assert cohort["site"].tolist() == ["07", "7", "8"]


def test_a_table_in_memory_is_read_like_a_file_and_left_as_it_is():
    words = pd.DataFrame({"patient": ["01"], "label": ["a"], "included": ["False"]})
    cohort = read_cohort(words)
    assert cohort["included"].tolist() == [False]
    assert cohort["reason"].tolist() == [""]
    assert words["included"].tolist() == ["False"]


def test_every_patient_of_a_features_table_is_included():
    features = pd.DataFrame({"patient": ["p", "p", "q"], "label": ["a", "a", "b"]})
    cohort = cohort_of_features(features, None)
    assert cohort["n_lesions"].tolist() == [2, 1]
    assert cohort["included"].all()
    sheet = pd.DataFrame({"patient": ["p"], "label": "a", "ct": "", "mask": "", "age": [61.0]})
    assert np.array_equal(
        cohort_of_features(features, sheet)["age"], [61.0, np.nan], equal_nan=True
    )


def test_a_patient_called_nan_and_a_class_called_none_keep_their_names(tmp_path):
    sheet = pd.DataFrame({"patient": ["nan", "NA"], "label": ["None", "NA"], "age": ["61", "NA"]})
    measured = {"n_lesions": 1}
    table = list_cohort(sheet, [{"source": "given"}] * 2, [measured] * 2)
    write_table(tmp_path / "cohort.tsv", table)
    read = read_cohort(tmp_path / "cohort.tsv")
    assert read["patient"].tolist() == ["nan", "NA"]
    assert read["label"].tolist() == ["None", "NA"]
    assert read["age"].isna().tolist() == [False, True]  # in any other column NA is missing


def sheet_of(*patients: str, label: str = "a") -> pd.DataFrame:
    return pd.DataFrame({"patient": patients, "label": label, "ct": "", "mask": ""})


def test_a_label_that_differs_between_sheet_and_features_table_is_refused_with_both():
    features = pd.DataFrame({"patient": ["p", "q"], "label": ["a", "b"]})
    with pytest.raises(BadInput, match="patient q has the label a in the cohort sheet and b in"):
        cohort_of_features(features, sheet_of("p", "q"))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("7", "007"), ("7.0", "7"), ("P1", "p01")],
    ids=["zeros dropped", "decimal", "case and zeros"],
)
def test_an_id_that_a_spreadsheet_changed_is_refused_with_that_of_the_sheet(ours, theirs):
    features = pd.DataFrame({"patient": [ours, "q"], "label": ["a", "a"]})
    with pytest.raises(BadInput, match=f"patient {ours} of .* which has {theirs}. Write the id"):
        cohort_of_features(features, sheet_of(theirs, "q"))


def test_a_sheet_of_other_patients_is_refused_and_a_patient_beyond_the_sheet_is_not():
    features = pd.DataFrame({"patient": ["P10", "P100"], "label": ["a", "a"]})
    with pytest.raises(BadInput, match="no patient of the features table is in the cohort sheet"):
        cohort_of_features(features, sheet_of("x", "y"))
    assert len(cohort_of_features(features, sheet_of("P100"))) == 2


def test_patients_whom_the_configuration_leaves_out_follow_with_their_reason():
    out = [{"patient": "04", "label": "a", "site": "9", "ct": "x.nii", "reason": "same as 01"}]
    masks, measured = [{"source": "given"}] * 3, [MEASURED] * 3
    cohort = list_cohort(SHEET, masks, measured, out)
    last = cohort.iloc[-1]
    assert (last["patient"], last["included"], last["stage"]) == ("04", False, "config")
    assert (last["reason"], last["site"]) == ("same as 01", "9")
    assert "ct" not in cohort
    assert out[0]["reason"] == "same as 01"


def test_patients_left_out_of_a_features_table_follow_those_included():
    features = pd.DataFrame({"patient": ["p", "q"], "label": ["a", "b"]})
    features.attrs["excluded"] = [
        {"patient": "r", "label": "a", "n_lesions": 3, "reason": "same as p"}
    ]
    sheet = pd.DataFrame({"patient": ["p", "q"], "label": ["a", "b"], "ct": "", "mask": ""})
    cohort = cohort_of_features(features, sheet.assign(site=["X", "Y"]))
    assert cohort["included"].tolist() == [True, True, False]
    assert cohort["reason"].tolist() == ["", "", "same as p"]
    assert cohort["n_lesions"].tolist() == [1, 1, 3]
    assert cohort["site"].tolist()[:2] == ["X", "Y"]
