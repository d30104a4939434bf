"""What radiomics must beat: each baseline sees its own columns and nothing else."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers.classes import POSITIVE
from helpers.feature_tables import clustered_features, feature_names, folds_of
from helpers.training import baseline, train
from livermets.classification.baselines import with_sites
from livermets.classification.pipeline import selected_features
from livermets.core.errors import BadInput
from livermets.study.baselines import available_baselines
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

TABLE = clustered_features(24, (3, 6), 6, gain=0.0)
SPLITS = folds_of(TABLE, 3)
SEXES = ("sex_f", "sex_m", "sex_missing", "sex_x")


def auc(predictions):
    return roc_auc_score(predictions["label"] == POSITIVE, predictions["score"])


def by_patient(table, values) -> pd.Series:
    """A value of each patient, from the class and a random number of its own."""
    known = table.drop_duplicates("patient").set_index("patient")["label"]
    return table["patient"].map(dict(zip(known.index, values(known), strict=True)))


def clinical(table, years=8, seed=0):
    """Age tells the classes apart, sex does not; some cells are empty, one word is rare."""
    rng = np.random.default_rng(seed)
    age = by_patient(
        table, lambda label: 60 + years * (label == POSITIVE) + 3 * rng.normal(size=len(label))
    )
    sex = by_patient(table, lambda label: rng.choice(["f", "m"], len(label)))
    table = table.assign(clinical_age=age, clinical_sex=sex.astype(object))
    table.loc[table["patient"] == "P003", "clinical_age"] = np.nan
    table.loc[table["patient"] == "P004", "clinical_sex"] = None
    table.loc[table["patient"] == "P005", "clinical_sex"] = "x"
    return table


def test_the_majority_scores_everyone_by_the_share_among_training_lesions():
    predictions, _, _ = baseline("majority", TABLE, SPLITS)
    for split, part in predictions.groupby("split"):
        train = SPLITS.loc[(SPLITS["split"] == split) & (SPLITS["role"] != "test"), "patient"]
        share = (TABLE.loc[TABLE["patient"].isin(train), "label"] == POSITIVE).mean()
        np.testing.assert_allclose(part["score"], share)


def test_volume_alone_finds_a_difference_in_volume_and_knows_no_texture():
    larger = TABLE.assign(
        volume_ml=TABLE["volume_ml"] * np.where(TABLE["label"] == POSITIVE, 20, 1)
    )
    predictions, _, _ = baseline("volume", larger, SPLITS)
    assert auc(predictions) > 0.9
    textured = TABLE.assign(f00=(TABLE["label"] == POSITIVE) + 0.0)
    pd.testing.assert_frame_equal(
        baseline("volume", textured, SPLITS)[0],
        baseline("volume", TABLE, SPLITS)[0],
    )


def test_volume_alone_is_logistic_regression_on_the_logarithm():
    split = SPLITS[SPLITS["split"] == "cv1-fold1"]
    predictions, _, _ = baseline("volume", TABLE, split)
    role = TABLE["patient"].map(split.set_index("patient")["role"])
    x = np.log(TABLE["volume_ml"])
    x = ((x - x[role == "train"].mean()) / x[role == "train"].std(ddof=0)).to_numpy()[:, None]
    y = (TABLE["label"] == POSITIVE).to_numpy()
    theirs = LogisticRegression().fit(x[role == "train"], y[role == "train"])
    np.testing.assert_allclose(
        predictions["score"], theirs.predict_proba(x[role == "test"])[:, 1], atol=1e-6
    )


def test_a_standardised_volume_has_no_logarithm():
    standardised = TABLE.drop(columns="volume_ml").assign(
        original_shape_VoxelVolume=np.log(TABLE["volume_ml"])
    )
    ours = baseline("volume", standardised, SPLITS)[0]
    np.testing.assert_allclose(
        ours["score"], baseline("volume", TABLE, SPLITS)[0]["score"], atol=1e-12
    )


def test_burden_and_clinic_score_a_patient_once_whatever_the_lesions():
    table = clinical(TABLE)
    for name in ("burden", "clinical"):
        predictions, _, report = baseline(name, table, SPLITS)
        assert (predictions.groupby(["split", "patient"])["score"].agg(np.ptp) == 0).all()
        doubled = pd.concat([table, table.assign(lesion=table["lesion"] + 100)])
        if name == "clinical":
            again, _, _ = baseline(name, doubled, SPLITS)
            assert set(again["score"]) == set(predictions["score"])
    assert auc(baseline("clinical", table, SPLITS)[0]) > 0.85
    # the classes differ in the number of lesions (3 and 6 on average)
    assert auc(baseline("burden", TABLE, SPLITS)[0]) > 0.7


def test_the_site_alone_scores_a_patient_by_the_classes_of_their_site():
    label = TABLE.drop_duplicates("patient").set_index("patient")["label"]
    site = np.where(label == POSITIVE, "north", "south")
    site[[0, 1, 2]] = ["north", "south", ""]
    cohort = pd.DataFrame({"patient": label.index, "site": site})
    table = with_sites(TABLE, cohort)
    assert table.loc[table["patient"] == label.index[2], "site"].eq("missing").all()
    predictions, _, _ = baseline("site", table, SPLITS)
    assert set(predictions["arm"]) == {"baseline_site"}
    of_site = predictions["patient"].map(cohort.set_index("patient")["site"])
    assert (predictions.groupby(["split", of_site])["score"].agg(np.ptp) == 0).all()
    north, south = (predictions.loc[of_site == name, "score"] for name in ("north", "south"))
    assert north.min() > 0.7
    assert south.max() < 0.3


def test_a_site_of_test_patients_alone_tells_nothing():
    split = SPLITS[SPLITS["split"] == "cv1-fold1"]
    role = split.set_index("patient")["role"]
    cohort = pd.DataFrame({"patient": role.index, "site": (role == "test").map(str).to_numpy()})
    predictions, _, _ = baseline("site", with_sites(TABLE, cohort), split)
    assert np.ptp(predictions["score"]) == 0


def test_radiomics_and_clinic_together_use_both():
    table = clinical(clustered_features(24, (3, 6), 6, gain=1.0, cluster=0.5), years=2)
    tuning = {"iterations": 3, "folds": 2}
    both, fitted, report = baseline("radiomics_clinical", table, SPLITS, tuning=tuning)
    radiomics, _, _ = train(table, SPLITS, "logistic_regression", tuning=tuning)
    assert auc(both) > auc(radiomics) + 0.05
    columns = [*feature_names(table), *(f"clinical_{c}" for c in ("age", *SEXES))]
    for model in fitted.values():
        kept = selected_features(model, columns)
        assert "clinical_age" in kept
        assert set(kept) & set(feature_names(table))
    assert set(both["arm"]) == {"baseline_radiomics_clinical"}
    assert (report["features"] == 6 + 1 + 4).all()  # f, m, x and missing
    assert all(json.loads(chosen) for chosen in report["parameters"])


def test_clinical_columns_that_are_all_numbers_join_the_radiomics_as_they_are():
    table = clinical(TABLE).drop(columns="clinical_sex")
    both, fitted, _ = baseline("radiomics_clinical", table, SPLITS, seed=1)
    assert len(both)
    assert {len(pipeline.feature_names_in_) for pipeline in fitted.values()} == {
        len(feature_names(table)) + 1
    }


def test_without_clinical_information_the_two_together_are_the_radiomics_arm():
    table = TABLE.assign(clinical_sex="f")
    both, _, _ = baseline("radiomics_clinical", table, SPLITS, seed=1)
    alone, _, _ = train(table, SPLITS, "logistic_regression", seed=1)
    np.testing.assert_allclose(both["score"], alone["score"], atol=1e-9)


def test_a_baseline_without_its_column_is_not_offered_and_refused():
    plain = TABLE.drop(columns=["volume_ml", "burden"])
    assert available_baselines(plain.columns) == ["majority"]
    assert available_baselines([*plain.columns, "wavelet_shape_MeshVolume"]) == [
        "majority",
        "volume",
    ]
    assert available_baselines(clinical(TABLE).columns) == [
        *("majority", "volume", "burden", "clinical", "radiomics_clinical"),
    ]
    for name in ("volume", "burden", "clinical", "site", "radiomics_clinical"):
        with pytest.raises(BadInput, match=f"the baseline {name} has no column.*leave it out"):
            baseline(name, plain, SPLITS)
