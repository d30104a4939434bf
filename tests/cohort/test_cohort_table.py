"""The cohort table: who is included, and that a file gives back what was written."""

import numpy as np
import pandas as pd
from livermets.cohort.cohort_table import (
    NO_LESION,
    cohort_of_features,
    list_cohort,
    read_cohort,
)
from livermets.core.io import write_table

SHEET = pd.DataFrame(
    {"patient": ["01", "02", "03"], "label": ["a", "b", "b"], "site": ["07", "7", "8"]}
)
MEASURED = {"n_lesions": 2, "n_components": 3, "burden": 0.1}


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
    assert cohort["site"].tolist() == [7, 7, 8]
    assert read_cohort(tmp_path / "cohort.tsv", text=["site"])["site"].tolist() == ["07", "7", "8"]


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
