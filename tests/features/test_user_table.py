"""A user's feature table: read as it is written, or refused with column, row and remedy."""

import gzip
import logging

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.classes import CLASSES
from helpers.user_tables import OURS, own_table
from livermets.core.errors import BadInput
from livermets.core.io import write_table
from livermets.features.features_table import feature_columns
from livermets.features.user_table import read_features
from livermets.study.clinical_columns import clinical_columns

RADMLBENCH = {"patient": "ID", "lesion": "lesion", "label": "Target"}


def saved(table, tmp_path, name="mine.csv"):
    path = tmp_path / name
    if ".parquet" in name:
        table.to_parquet(path.with_suffix("") if name.endswith(".gz") else path, index=False)
        if name.endswith(".gz"):
            path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))
    else:
        table.to_csv(path, sep="\t" if ".tsv" in name else ",", index=False)
    return path


def refused(table, tmp_path, match, columns=OURS, classes=CLASSES):
    with pytest.raises(BadInput, match=match) as refusal:
        read_features(saved(table, tmp_path), columns, classes)
    return str(refusal.value)


@pytest.mark.parametrize(
    "name", ["t.csv", "t.csv.gz", "t.tsv", "t.tsv.gz", "t.parquet", "t.parquet.gz", "T.CSV"]
)
def test_every_format_gives_the_same_table(tmp_path, name):
    table = own_table()
    found = read_features(saved(table, tmp_path, name), OURS, CLASSES)
    pd.testing.assert_frame_equal(found, table, check_dtype=False, check_exact=True)
    assert found["lesion"].dtype == "int64"
    assert feature_columns(found) == ["Mean", "Energy", "Busyness"]


@pytest.mark.parametrize(
    ("name", "patients", "features", "volume"),
    [("LNDb", 173, 105, True), ("WORC-CRLM", 77, 1015, True), ("WORC-Lipo", 114, 1015, True)],
)
def test_published_radiomics_tables_enter_as_they_are(real_data, name, patients, features, volume):
    path = real_data / "radmlbench" / f"{name}.csv.gz"
    found = read_features(path, RADMLBENCH, ["0", "1"])
    raw = pd.read_csv(path)
    assert list(found.columns[:3]) == ["patient", "lesion", "label"]
    assert len(found) == patients
    assert (found["lesion"] == 1).all()
    assert list(found["patient"]) == list(raw["ID"])
    assert list(found["label"]) == list(raw["Target"].astype(str))
    names = feature_columns(found)
    assert len(names) == features
    np.testing.assert_allclose(found[names], raw[names], rtol=1e-15)
    with pytest.raises(BadInput, match=r"Target holds '0', '1'.*Set `classes: \[\"0\", \"1\"\]`"):
        read_features(path, RADMLBENCH, CLASSES)


def test_lesions_are_numbered_within_each_patient_where_the_table_does_not(tmp_path):
    table = own_table(lesions=3).drop(columns="lesion").sample(frac=1, random_state=1)
    found = read_features(saved(table, tmp_path), OURS, CLASSES)
    assert list(found["patient"]) == list(table["patient"])
    for _, own in found.groupby("patient"):
        assert list(own["lesion"]) == [1, 2, 3]


def test_ids_stay_text_as_they_were_written(tmp_path):
    table = own_table(lesions=1)
    table["patient"] = [f"{i:03}" for i in range(1, 17)]
    found = read_features(saved(table, tmp_path), OURS, CLASSES)
    assert found["patient"].iloc[6] == "007"
    numbers = table.assign(patient=np.arange(1.0, 17), label=np.resize([0.0, 1.0], 16))
    for name in ("n.parquet", "n.csv"):
        found = read_features(saved(numbers, tmp_path, name), OURS, ["0", "1"])
        assert set(found["label"]) == {"0", "1"}
    assert found["patient"].iloc[6] == "7.0"  # as the CSV has it
    found = read_features(tmp_path / "n.parquet", OURS, [0, 1])
    assert found["patient"].iloc[6] == "7"


def test_facts_and_clinical_columns_are_no_features(tmp_path):
    table = own_table().assign(volume_ml=1.5, burden=0.1, clinical_sex="f", clinical_age=60.0)
    table["radiomics_reason"] = ""
    found = read_features(saved(table, tmp_path), OURS, CLASSES)
    assert feature_columns(found) == ["Mean", "Energy", "Busyness"]
    assert clinical_columns(found) == ["clinical_sex", "clinical_age"]
    assert list(found.columns[3:7]) == ["volume_ml", "burden", "clinical_sex", "clinical_age"]


def test_missing_values_stay_even_a_whole_column_of_them(tmp_path):
    table = own_table().assign(Empty=np.nan)
    table.loc[3, "Mean"] = np.nan
    for name in ("m.csv", "m.parquet"):
        found = read_features(saved(table, tmp_path, name), OURS, CLASSES)
        assert found["Empty"].isna().all()
        assert found["Mean"].isna().sum() == 1
        assert "Empty" in feature_columns(found)
    arrow = pa.Table.from_pandas(table.drop(columns="Empty")).append_column("Empty", pa.nulls(32))
    pq.write_table(arrow, tmp_path / "null.parquet")
    assert read_features(tmp_path / "null.parquet", OURS, CLASSES)["Empty"].dtype == "float64"


def test_row_numbers_and_pyradiomics_diagnostics_are_left_out_and_logged(tmp_path, caplog):
    table = own_table()
    table.insert(1, "diagnostics_Versions_Numpy", "1.15.1")
    table.insert(2, "diagnostics_Mask-original_VoxelNum", 12)
    table.to_csv(tmp_path / "pandas.csv")
    with caplog.at_level(logging.INFO, "livermets"):
        found = read_features(tmp_path / "pandas.csv", OURS, CLASSES)
    assert feature_columns(found) == ["Mean", "Energy", "Busyness"]
    assert "column 1, which has no name" in caplog.text
    assert "2 diagnostics_* columns" in caplog.text


def test_a_byte_order_mark_and_blanks_around_ids_do_no_harm(tmp_path):
    table = own_table()
    path = tmp_path / "excel.csv"
    table.assign(patient=" " + table["patient"]).to_csv(path, index=False, encoding="utf-8-sig")
    assert list(read_features(path, OURS, CLASSES)["patient"]) == list(table["patient"])


# ---- what is wrong with it


def test_a_missing_column_is_named_with_a_near_one(tmp_path):
    table = own_table().rename(columns={"patient": "PatientID"})
    message = refused(table, tmp_path, "has no column patientID", OURS | {"patient": "patientID"})
    assert "Set feature_columns.patient to the column of the patients, perhaps PatientID" in message
    refused(own_table(), tmp_path, "no column tumour", OURS | {"lesion": "tumour"})
    refused(own_table(), tmp_path, "no column Target.*feature_columns.label", RADMLBENCH | OURS | {
        "label": "Target"
    })  # fmt: skip


def test_a_missing_label_or_patient_is_named_by_row(tmp_path):
    table = own_table()
    table.loc[[4, 7], "label"] = None
    refused(
        table, tmp_path, r"label \(column label\) is missing in rows 6, 9 \(patient.*\). Fill it in"
    )
    table = own_table()
    table.loc[0, "patient"] = None
    refused(table, tmp_path, r"patient \(column patient\) is missing in row 2\.")


def test_an_unknown_label_names_row_value_and_what_to_set(tmp_path):
    table = own_table()
    table.loc[table["patient"] == "P03", "label"] = "gastric"
    message = refused(table, tmp_path, r"classes are 'colorectal', 'pancreatic' \(first in row 6")
    assert "'gastric'" in message
    assert "Set `classes:" in message


def test_a_label_in_other_letters_is_a_misspelling_and_no_class(tmp_path):
    table = own_table()
    table.loc[table["patient"] == "P03", "label"] = "Colorectal"
    message = refused(table, tmp_path, "'Colorectal' in row 6, where the class is 'colorectal'")
    assert "Set `classes:" not in message


def test_a_class_nobody_has_is_named(tmp_path):
    refused(
        own_table(), tmp_path, "no patient has the label 'gastric'", OURS, [*CLASSES, "gastric"]
    )


def test_a_patient_with_two_labels_is_named(tmp_path):
    table = own_table()
    table.loc[5, "label"] = "pancreatic"
    table.loc[4, "label"] = "colorectal"
    refused(table, tmp_path, "patient P03 has the labels colorectal and pancreatic")


def test_all_patients_with_two_labels_are_named_with_what_to_do(tmp_path):
    table = own_table()
    table.loc[table["lesion"] == 1, "label"] = CLASSES[0]
    table.loc[table["lesion"] == 2, "label"] = CLASSES[1]
    message = refused(table, tmp_path, "patient P01 has the labels colorectal and pancreatic")
    assert "P02" in message and "`exclude`" in message and "`label_of: lesion`" in message


def test_lesions_of_one_patient_may_have_two_labels_where_they_carry_them(tmp_path):
    table = own_table()
    table.loc[5, "label"] = CLASSES[1]
    table.loc[4, "label"] = CLASSES[0]
    found = read_features(saved(table, tmp_path), OURS, CLASSES, label_of="lesion")
    assert list(found["label"]) == list(table["label"])


def test_duplicate_lesions_are_named_with_their_rows(tmp_path):
    table = own_table(lesions=3)
    table.loc[5, "lesion"] = 1
    refused(table, tmp_path, "lesion 1 of patient P02 is there 2 times, in rows 5, 7. Keep one")


@pytest.mark.parametrize(
    "lesion", ["left", "", "1.5", "1e30"], ids=["a word", "empty", "a fraction", "beyond counting"]
)
def test_a_lesion_that_is_no_whole_number_is_refused(tmp_path, lesion):
    table = own_table().astype({"lesion": object})
    table.loc[2, "lesion"] = lesion
    refused(table, tmp_path, "lesion .column lesion. is no whole number in row 4")


def test_infinite_values_are_named_by_column_and_row(tmp_path):
    table = own_table()
    table.loc[2, "Energy"], table.loc[9, "Energy"] = np.inf, -np.inf
    refused(
        table,
        tmp_path,
        r"beyond 3.4e\+38 in column Energy, rows 4, 11 \(patients .*\). Empty the cells",
    )


def test_a_code_for_a_missing_feature_is_named_by_column_and_row(tmp_path):
    table = own_table()
    table.loc[3, "Mean"] = -999
    refused(table, tmp_path, r"column Mean holds -999 in row 5 .patient P02., far from all other")
    table["Mean"] = np.linspace(-1500, 1500, len(table))
    table.loc[3, "Mean"] = -999
    assert read_features(saved(table, tmp_path), OURS, CLASSES).loc[3, "Mean"] == -999


def test_a_row_of_means_is_no_patient(tmp_path):
    table = own_table()
    table.loc[len(table)] = ["mean", 1, CLASSES[0], 0.5, 0.5, 0.5]
    refused(table, tmp_path, "row 34: mean is no patient but the name of a summary. Delete the row")


def test_text_in_a_feature_is_named_by_column_row_and_value(tmp_path):
    table = own_table().assign(sex=np.resize(["m", "f"], 32))
    refused(table, tmp_path, r"column sex holds 'm' in rows 2, 3, 4.*call it clinical_sex")
    table = own_table().astype({"Mean": object})
    table.loc[3, "Mean"] = "0,5"
    refused(table, tmp_path, r"column Mean holds '0,5' in row 5.*decimals need a point")
    dates = own_table().assign(scanned=pd.Timestamp("2020-02-02"))
    with pytest.raises(BadInput, match="column scanned holds '2020-02-02"):
        read_features(saved(dates, tmp_path, "d.parquet"), OURS, CLASSES)


def test_a_table_without_a_feature_is_refused(tmp_path):
    table = own_table()[["patient", "lesion", "label"]].assign(volume_ml=1.0)
    refused(table, tmp_path, "has no feature")


def test_columns_without_a_name_or_twice_are_refused(tmp_path):
    refused(own_table().rename(columns={"Mean": ""}), tmp_path, "column 4 has no name")
    refused(
        own_table().rename(columns={"Mean": "Energy"}), tmp_path, "column Energy is there twice"
    )
    both = own_table().assign(ID=own_table()["patient"])
    refused(both, tmp_path, "a column patient besides", OURS | {"patient": "ID"})


def test_a_header_one_name_short_is_refused(tmp_path):
    lines = own_table().to_csv(index=True).splitlines()
    (tmp_path / "r.csv").write_text("\n".join([lines[0].lstrip(","), *lines[1:]]))
    with pytest.raises(BadInput, match=r"line 2 has 7 cells and the header 6.*row.names = FALSE"):
        read_features(tmp_path / "r.csv", OURS, CLASSES)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("broken.parquet", b"PAR1 and nothing else", "cannot be read.*Replace the file"),
        ("ragged.csv", b"patient,label,Mean\nA,colorectal,1\nB,pancreatic,1,2,3\n", "line 3 has 5"),
        ("latin.csv", "patient,label,Gr\xf6\xdfe\nA,x,1\n".encode("latin-1"), "line 1: a letter"),
    ],
    ids=["no Parquet", "rows of several lengths", "not UTF-8"],
)
def test_an_unreadable_file_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=f"{name}.*{message}"):
        read_features(tmp_path / name, OURS, CLASSES)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "xlsx"])
def test_a_table_as_people_have_it_gives_the_same_features(tmp_path, suffix):
    """Classes called None and NA, trailing separators, blank rows, UTF-16, a workbook."""
    table = own_table().replace({"label": dict(zip(CLASSES, ("None", "NA"), strict=True))})
    path = tmp_path / f"t.{suffix}"
    if suffix == "xlsx":
        table.to_excel(path, index=False)
    else:
        separator = "\t" if suffix == "tsv" else ","
        text = table.to_csv(index=False, sep=separator)
        path.write_text(text.replace("\n", f"{separator}{separator}\n\n"), encoding="utf-16")
    found = read_features(path, OURS, ["None", "NA"])
    pd.testing.assert_frame_equal(found, table, check_dtype=False, rtol=1e-15)


@pytest.mark.parametrize("label", ["NA", "None"])
def test_a_missing_label_that_is_no_class_is_called_missing(tmp_path, label):
    table = own_table()
    table.loc[4, "label"] = label
    refused(table, tmp_path, f"holds '{label}' in row 6.*reads as missing")


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (("7", "007"), r"patient ids 7 \(row 2\) and 007 \(row 4\) look like one person"),
        (("P07", "p07"), "look like one person"),
        (("P07", "P07\u200b"), r"P07 \(row 2\) and 'P07.u200b' \(row 4\) look like one person"),
        (("M\u00fcller", "Mu\u0308ller"), "look like one person"),
        (("1.23457E+17", "8"), "row 2: the patient id 1.23457E.17 is a rounded number"),
    ],
    ids=["zeros", "case", "unseen letter", "two ways to write ü", "rounded"],
)
def test_ids_that_a_spreadsheet_has_changed_are_refused(tmp_path, ids, message):
    table = own_table()
    table["patient"] = table["patient"].replace(dict(zip(("P01", "P02"), ids, strict=True)))
    refused(table, tmp_path, message)


def test_a_minus_as_word_processors_write_it_is_a_minus(tmp_path):
    text = own_table().to_csv(index=False)
    (tmp_path / "word.csv").write_text(text.replace(",-", ",\N{MINUS SIGN}"), encoding="utf-8")
    found = read_features(tmp_path / "word.csv", OURS, CLASSES)
    np.testing.assert_allclose(found["Mean"], own_table()["Mean"], rtol=1e-15)


def test_a_value_beyond_what_a_classifier_calculates_with_is_named(tmp_path):
    table = own_table()
    table.loc[3, "Energy"] = 3.5e38
    refused(table, tmp_path, r"beyond 3.4e\+38 in column Energy, row 5 \(patient P02\)")
    table.loc[3, "Energy"] = -3.4e38
    assert read_features(saved(table, tmp_path), OURS, CLASSES).loc[3, "Energy"] == -3.4e38


def test_files_that_are_missing_of_another_kind_or_without_rows_are_named(tmp_path):
    with pytest.raises(BadInput, match="none.csv does not exist"):
        read_features(tmp_path / "none.csv", OURS, CLASSES)
    refused(own_table().iloc[:0], tmp_path, "has no rows")


# ---- patients whom the configuration leaves out


def test_an_excluded_patient_is_out_before_labels_are_looked_at_and_parquet_keeps_the_reason(
    tmp_path,
):
    table = own_table()
    table.loc[table["patient"] == "P03", "label"] = "unknown"
    path = saved(table, tmp_path)
    refused(table, tmp_path, "unknown")
    features = read_features(path, OURS, CLASSES, exclude={"P03": "same scan as P02"})
    assert "P03" not in set(features["patient"])
    write_table(tmp_path / "features.parquet", features)
    kept = pd.read_parquet(tmp_path / "features.parquet").attrs["excluded"]
    assert kept == [
        {"patient": "P03", "label": "unknown", "n_lesions": 2, "reason": "same scan as P02"}
    ]


def test_an_excluded_patient_who_is_not_in_the_table_is_refused_with_the_nearest(tmp_path):
    path = saved(own_table(), tmp_path)
    with pytest.raises(BadInput, match=r"`exclude` names P3, who is not in mine.csv.*mean P\d3"):
        read_features(path, OURS, CLASSES, exclude={"P3": "x"})
    with pytest.raises(BadInput, match="leaves no patient"):
        read_features(path, OURS, CLASSES, exclude=dict.fromkeys(own_table()["patient"], "x"))
