"""Embeddings of other networks as a table: joined by lesion, and every mistake in it is named."""

import numpy as np
import pandas as pd
import pytest
from helpers.user_tables import own_table
from livermets.core.errors import BadInput
from livermets.features.embeddings_table import with_embeddings
from livermets.features.features_table import feature_columns, without_other_sets

FEATURES = own_table(patients=4, lesions=3)
EMBEDDED = FEATURES[["patient", "lesion"]].assign(
    e0=np.arange(12.0), e1=np.arange(12, dtype=np.float32) ** 2
)


def joined(table, folder, name="other.parquet", features=FEATURES):
    path = folder / name
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    return with_embeddings(features, path)


@pytest.mark.parametrize("name", ["other.parquet", "other.csv", "other.csv.gz"])
def test_every_lesion_gets_its_own_embedding_whatever_the_order_of_rows(tmp_path, name):
    stranger = EMBEDDED[:1].assign(patient="Q9")
    table = pd.concat([EMBEDDED.sample(frac=1, random_state=2), stranger])
    features = FEATURES.copy()
    features.attrs["excluded"] = [{"patient": "X"}]
    result = joined(table, tmp_path, name, features)
    assert result["embeddings_e0"].tolist() == EMBEDDED["e0"].tolist()
    assert result["embeddings_e1"].tolist() == EMBEDDED["e1"].tolist()
    pd.testing.assert_frame_equal(result[FEATURES.columns], FEATURES, check_like=True)
    assert result.attrs == features.attrs


def test_embeddings_are_a_feature_set_that_radiomics_leaves_out(tmp_path):
    table = joined(EMBEDDED, tmp_path)
    assert feature_columns(table, ["embeddings"]) == ["embeddings_e0", "embeddings_e1"]
    assert feature_columns(table, ["radiomics"]) == ["Mean", "Energy", "Busyness"]
    assert feature_columns(table, ["radiomics", "embeddings"]) == feature_columns(table)
    assert "embeddings_e0" not in without_other_sets(table, ["radiomics"])


def test_lesions_of_two_scans_have_an_embedding_each(tmp_path):
    scan = np.where(FEATURES["lesion"] == 3, "later", "before")
    number = FEATURES["lesion"].replace({3: 1})
    features = FEATURES.assign(scan=scan, lesion=number)
    table = EMBEDDED.assign(scan=scan, lesion=number)
    result = joined(table, tmp_path, features=features)
    assert result["embeddings_e0"].tolist() == EMBEDDED["e0"].tolist()
    with pytest.raises(BadInput, match="no column scan, and this study has several scans"):
        joined(EMBEDDED.drop_duplicates(), tmp_path, features=features)
    with pytest.raises(BadInput, match="has a column scan, and the cohort sheet has none"):
        joined(table, tmp_path)


def missing_lesions(table):
    return table.drop(index=[1, 5])


def one_value(value):
    return lambda table: table.astype({"e0": object}).assign(
        e0=[value, *table["e0"].astype(str)[1:]]
    )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(
            missing_lesions,
            r"other.csv misses 2 of 12 lesions: patient P01 lesion 2, P02 lesion 3. Add a row",
            id="lesions without a row",
        ),
        pytest.param(
            lambda t: pd.concat([t, t[3:4]]),
            "lesion 1 of patient P02 is there 2 times, in rows 5, 14",
            id="a lesion twice",
        ),
        pytest.param(
            one_value("high"),
            r"column e0 holds 'high' in row 2, which is no number",
            id="a text",
        ),
        pytest.param(one_value("inf"), "infinite or beyond .* in column e0, row 2", id="infinite"),
        pytest.param(
            one_value(""), r"column e0 is empty in row 2 \(patient P01\)", id="an empty cell"
        ),
        pytest.param(
            lambda t: t.assign(lesion=t["lesion"] + 0.5),
            "lesion .* is no whole number in row",
            id="a lesion number that is none",
        ),
        pytest.param(
            lambda t: t.rename(columns={"patient": "case"}),
            "has no column patient",
            id="no patients",
        ),
        pytest.param(
            lambda t: t.assign(label=0), "has a column label, .* Remove the column", id="a label"
        ),
        pytest.param(
            lambda t: t[["patient", "lesion"]], "has no column of numbers beside", id="no numbers"
        ),
    ],
)
def test_a_mistake_is_refused_by_file_patient_and_lesion(tmp_path, spoil, message):
    with pytest.raises(BadInput, match=message):
        joined(spoil(EMBEDDED), tmp_path, "other.csv")


def test_a_table_without_lesion_numbers_is_refused(tmp_path):
    with pytest.raises(BadInput, match="has no column lesion"):
        joined(EMBEDDED.drop(columns="lesion"), tmp_path)


def test_a_name_that_the_features_table_has_already_is_refused(tmp_path):
    features = FEATURES.assign(embeddings_e1=1.0)
    with pytest.raises(BadInput, match="has a column embeddings_e1 already"):
        joined(EMBEDDED, tmp_path, features=features)
