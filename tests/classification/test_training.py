"""Fitting an arm over the splits: nothing is learned outside training rows; tables must fit."""

import hashlib
import io
import json

import joblib
import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.feature_tables import clustered_features, feature_names, folds_of, with_dealt_labels
from helpers.training import train
from livermets.classification.pipeline import (
    build_pipeline,
    fit_probabilities,
    fitted_pipeline,
    selected_features,
)
from livermets.core.errors import BadInput
from livermets.splits.folds import grouped_folds
from livermets.study.classifiers import CLASSIFIERS
from scipy.special import logit
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

SMALL = {"iterations": 3, "folds": 2}
ARMS = [
    ("xgboost", "smote"),
    ("random_forest", "undersample"),
    ("svm", "smote"),
    ("kernel_svm", "none"),
    ("kmeans_svm", "undersample"),
    ("knn", "smote"),
    ("logistic_regression", "none"),
    ("naive_bayes", "weights"),
    ("decision_tree", "smote"),
]


def fit(table, splits, model, resampling="none", **changed):
    return train(table, splits, model, resampling, **{"tuning": SMALL, **changed})


def digest(fitted) -> str:
    """Of the fitted pipelines, to the byte."""
    file = io.BytesIO()
    joblib.dump(fitted, file)
    return hashlib.sha256(file.getvalue()).hexdigest()


def with_changed_test_rows(table, splits, rng):
    """Other values, labels, gaps and numbers of lesions in the test patients of the one split."""
    tested = set(splits.loc[splits["role"] == "test", "patient"])
    test = table["patient"].isin(tested)
    columns = feature_names(table)
    changed = table.copy()
    changed.loc[test, columns] = 1e3 * rng.normal(size=(test.sum(), len(columns)))
    changed.loc[test & (rng.random(len(table)) < 0.2), columns[0]] = np.nan
    other = dict(zip(CLASSES, CLASSES[::-1], strict=True))
    changed.loc[test, "label"] = changed.loc[test, "label"].map(other)
    more = changed[test].assign(lesion=changed.loc[test, "lesion"] + 100)
    return pd.concat([changed, more])


# ---- leakage


@pytest.mark.parametrize(("model", "resampling"), ARMS)
def test_changing_the_test_rows_leaves_the_fitted_pipeline_unchanged_to_the_byte(model, resampling):
    table = clustered_features(14, (3, 5), 8, gain=1.0)
    splits = folds_of(table, 2).query("split == 'cv1-fold1'")
    extra = {"max_features": 4} if model == "logistic_regression" else {}
    _, fitted, report = fit(table, splits, model, resampling, **extra)
    changed = with_changed_test_rows(table, splits, np.random.default_rng(1))
    _, again, report_again = fit(changed, splits, model, resampling, **extra)
    assert digest(again) == digest(fitted)
    pd.testing.assert_frame_equal(report_again, report)


def test_changing_one_training_value_changes_the_fitted_pipeline():
    """The test above would pass with a digest of nothing."""
    table = clustered_features(14, (3, 5), 8, gain=1.0)
    splits = folds_of(table, 2).query("split == 'cv1-fold1'")
    trained = splits.loc[splits["role"] == "train", "patient"].iloc[0]
    changed = table.copy()
    changed.loc[changed.index[changed["patient"] == trained][0], "f00"] += 1e-3
    fits = [fit(one, splits, "logistic_regression")[1] for one in (table, changed)]
    assert digest(fits[0]) != digest(fits[1])


def test_the_order_of_rows_and_splits_changes_nothing():
    table = clustered_features(14, gain=1.0)
    splits = folds_of(table, 2)
    expected, fitted, _ = fit(table, splits, "decision_tree", "smote")
    mixed = table.sample(frac=1, random_state=3).reset_index(drop=True)
    found, again, _ = fit(mixed, splits, "decision_tree", "smote")
    pd.testing.assert_frame_equal(found, expected)
    assert digest(again) == digest(fitted)


@pytest.mark.parametrize("way", ["undersample", "smote"])
def test_resampling_touches_training_rows_alone(way):
    table = clustered_features(20, (2, 8), 5)
    y = (table["label"] == POSITIVE).to_numpy(int)
    X = table[feature_names(table)]
    pipeline = build_pipeline(CLASSIFIERS["knn"].build(0), resampling=way, seed=1).fit(X, y)
    seen = np.bincount(pipeline.named_steps["classify"].neighbours_._y)
    assert seen[0] == seen[1] == (min if way == "undersample" else max)(np.bincount(y))
    assert pipeline.predict_proba(X).shape == (len(X), 2)  # every row asked is answered


def test_tuning_never_puts_a_patient_on_both_sides():
    """With features that tell patients apart, folds over lesions would look perfect."""
    table = clustered_features(16, (8, 8), 6, gain=0.0, cluster=30.0)
    _, _, report = fit(table, folds_of(table, 2), "knn", tuning={"iterations": 8, "folds": 3})
    assert report["inner_auc"].max() < 0.85
    rows = table["label"].to_numpy() == POSITIVE
    X = table[feature_names(table)]
    leaky = np.arange(len(table)) % 3 == 0
    knn = CLASSIFIERS["knn"].build(0).fit(X[~leaky].to_numpy(), rows[~leaky])
    assert roc_auc_score(rows[leaky], knn.predict_proba(X[leaky].to_numpy())[:, 1]) > 0.95


def test_the_probabilities_of_distances_are_learned_from_held_out_patients():
    """Platt's sigmoid fitted to the rows that an SVM learned by heart is far too steep."""
    table = clustered_features(30, (6, 6), 40)
    X, y = table[feature_names(table)], (table["label"] == POSITIVE).to_numpy(int)
    patients = table["patient"].to_numpy()
    new = clustered_features(30, (6, 6), 40, seed=2)[feature_names(table)]
    pipeline = build_pipeline(CLASSIFIERS["svm"].build(0), correlation=None)
    steepness = {}
    for name, folds in (("held out", grouped_folds(patients, y, 3, 0)), ("by heart", [])):
        model = fit_probabilities(clone(pipeline), X, y, patients, folds)
        steepness[name] = np.abs(logit(model.predict_proba(new)[:, 1])).mean()
    assert steepness["held out"] < steepness["by heart"] / 3


def test_class_weights_make_each_class_weigh_the_same_and_leave_the_rows_alone():
    table = clustered_features(20, (2, 9), 5)
    X, y = table[feature_names(table)], (table["label"] == POSITIVE).to_numpy(int)
    patients = table["patient"].to_numpy()
    pipeline = build_pipeline(CLASSIFIERS["naive_bayes"].build(0), resampling="weights")
    model = fit_probabilities(pipeline, X, y, patients, [])
    bayes = model.named_steps["classify"]
    np.testing.assert_allclose(bayes.class_prior_, [0.5, 0.5])
    np.testing.assert_allclose(bayes.class_count_.sum(), len(y))
    for name in ("svm", "kmeans_svm", "xgboost"):  # also through the calibration of distances
        predictions, _, report = fit(table, folds_of(table, 2), name, "weights")
        assert predictions["score"].between(0, 1).all()
        assert report["inner_auc"].notna().all()


def test_steps_before_the_classifier_are_the_same_in_all_arms_of_a_resampling():
    """Models are compared on the same features and, with SMOTE, on the same made rows."""
    table = clustered_features(20, (2, 8), 12, gain=1.0)
    splits = folds_of(table, 2)
    fits = [fit(table, splits, m, "smote", max_features=4)[1] for m in ("knn", "decision_tree")]
    X = table[feature_names(table)]
    for split in fits[0]:
        knn, tree = (fitted[split] for fitted in fits)
        np.testing.assert_array_equal(knn[:-2].transform(X), tree[:-2].transform(X))
        assert knn["balance"].random_state == tree["balance"].random_state


# ---- the tables


def test_the_prediction_table_has_one_row_for_each_test_lesion_and_split():
    table = clustered_features(18, gain=1.0)
    splits = folds_of(table, 3, validation=3)
    predictions, fitted, report = fit(table, splits, "logistic_regression")
    assert list(predictions) == ["arm", "split", "patient", "lesion", "label", "score"]
    tested = splits[splits["role"] == "test"].merge(table, on="patient")
    key = ["split", "patient", "lesion", "label"]
    pd.testing.assert_frame_equal(
        predictions[key].sort_values(key, ignore_index=True),
        tested[key].sort_values(key, ignore_index=True),
    )
    assert predictions["score"].between(0, 1).all()
    assert set(predictions["arm"]) == {"logistic_regression-none"}
    assert list(fitted) == list(report["split"]) == ["cv1-fold1", "cv1-fold2", "cv1-fold3"]


def test_the_score_is_the_probability_of_the_positive_class():
    table = clustered_features(18, gain=2.0)
    splits = folds_of(table, 2)
    scores = {
        positive: fit(table, splits, "naive_bayes", positive=positive)[0]["score"]
        for positive in CLASSES
    }
    np.testing.assert_allclose(scores[CLASSES[0]], 1 - scores[CLASSES[1]], atol=1e-12)
    predictions = fit(table, splits, "naive_bayes")[0]
    assert roc_auc_score(predictions["label"] == POSITIVE, predictions["score"]) > 0.8


@pytest.mark.parametrize(
    ("model", "way"), [("kmeans_svm", "weights"), ("xgboost", "weights"), ("knn", "smote")]
)
def test_three_classes_are_told_apart_and_each_has_its_probability(model, way):
    """Of distances, of margins and of neighbours; also with the importance measured."""
    table, classes = clustered_features(21, (4, 4), 6, cluster=0.5), ["a", "b", "c"]
    number = table["patient"].str[1:].astype(int) % 3
    table = table.assign(label=number.map(dict(enumerate(classes))))
    table["f00"] += 4 * (number == 1)
    table["f01"] += 4 * (number == 2)
    study = {"classes": classes, "positive": "c", "columns": feature_names(table)}
    predictions, _, report = fit(table, folds_of(table, 2), model, way, max_features=3, **study)
    each = predictions[["score_a", "score_b", "score_c"]].to_numpy()
    np.testing.assert_allclose(each.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(predictions["score"], predictions["score_c"])
    assert (np.array(classes)[each.argmax(axis=1)] == predictions["label"]).mean() > 0.75
    assert (report["inner_auc"] > 0.8).all()


def test_validation_patients_train_the_classifiers():
    table = clustered_features(18, gain=1.0)
    _, fitted, report = fit(table, folds_of(table, 3, validation=4), "logistic_regression")
    _, plain, _ = fit(table, folds_of(table, 3, validation=0), "logistic_regression")
    assert digest(fitted) == digest(plain)
    assert (report["patients"] == 12).all()


def test_the_report_says_what_was_chosen_in_every_fold():
    table = clustered_features(18, gain=1.0)
    splits = folds_of(table, 3)
    _, fitted, report = fit(table, splits, "logistic_regression", max_features=2)
    assert (report["features"] == 8).all()
    assert (report["selected"] == 2).all()
    for row in report.itertuples():
        pipeline = fitted_pipeline(fitted[row.split])
        for key, value in json.loads(row.parameters).items():
            assert pipeline.named_steps["classify"].get_params()[key] == value
        assert len(selected_features(fitted[row.split], feature_names(table))) == 2
        inner = pipeline.named_steps["classify"].n_features_in_
        assert inner == 2
        assert (
            row.rows
            == table["patient"]
            .isin(splits.query("split == @row.split and role != 'test'")["patient"])
            .sum()
        )


def test_the_chosen_setting_is_the_best_of_its_inner_folds():
    table = clustered_features(20, gain=1.0)
    splits = folds_of(table, 2).query("split == 'cv1-fold1'")
    _, _, report = fit(
        table, splits, "knn", tuning={"iterations": 16, "folds": 3}, correlation=None
    )
    train = table[table["patient"].isin(splits.loc[splits["role"] != "test", "patient"])]
    train = train.sort_values(["patient", "lesion"])
    X, y = train[feature_names(table)], (train["label"] == POSITIVE).to_numpy(int)
    folds = grouped_folds(train["patient"], y, 3, 2023, "inner", "cv1-fold1")

    def inner_auc(**setting):
        aucs = []
        for a, b in folds:
            pipeline = build_pipeline(CLASSIFIERS["knn"].build(0, **setting), correlation=None)
            pipeline.fit(X.iloc[a], y[a])
            aucs.append(roc_auc_score(y[b], pipeline.predict_proba(X.iloc[b])[:, 1]))
        return np.mean(aucs)

    space = CLASSIFIERS["knn"].space
    every = [
        inner_auc(n_neighbors=k, weights=w) for k in space["n_neighbors"] for w in space["weights"]
    ]
    chosen = json.loads(report["parameters"].iloc[0])
    assert inner_auc(**chosen) == pytest.approx(report["inner_auc"].iloc[0], abs=1e-12)
    # 16 draws of the whole space of 16: at most one setting less than all of them
    assert report["inner_auc"].iloc[0] >= sorted(every)[-2]


# ---- what a table may bring along


def test_constant_empty_and_gappy_features_and_more_features_than_rows_are_no_trouble():
    table = clustered_features(14, (2, 2), 99, gain=2.0)
    table = table.assign(constant=1.0, empty=np.nan)
    table.loc[::3, "f01"] = np.nan
    columns = [*feature_names(table), "constant", "empty"]
    assert len(table) < len(columns)
    for model in ("logistic_regression", "kernel_svm", "random_forest"):
        predictions, fitted, report = fit(
            table, folds_of(table, 2), model, columns=columns, tuning=None
        )
        assert np.isfinite(predictions["score"]).all()
        assert (report["note"] == "left out, constant or empty: constant, empty").all()
        assert not {"constant", "empty"} & set(selected_features(fitted["cv1-fold1"], columns))


def test_a_class_with_one_training_patient_is_fitted_untuned_and_it_is_noted():
    table = clustered_features(20, (4, 4), 5, gain=2.0)
    label = table.drop_duplicates("patient").set_index("patient")["label"]
    rare = list(label.index[label == POSITIVE])
    keep = table[~table["patient"].isin(rare[2:])]
    roles = {name: "train" for name in keep["patient"].unique()}
    roles |= dict.fromkeys([rare[1], *label.index[label != POSITIVE][:2]], "test")
    splits = pd.DataFrame({"split": "given", "patient": list(roles), "role": list(roles.values())})
    for model in ("svm", "logistic_regression"):
        predictions, _, report = fit(keep, splits, model)
        assert "one training patient" in report["note"].iloc[0]
        assert np.isnan(report["inner_auc"].iloc[0])
        assert predictions["score"].between(0, 1).all()


def test_smotes_fallback_is_in_the_report():
    table = clustered_features(12, (1, 6), 5)
    _, _, report = fit(table, folds_of(table, 3), "knn", "smote")
    assert report["note"].str.contains(r"SMOTE with [1-4] neighbours: a class has \d rows").all()


# ---- refusals


def refused(match, table, splits, **changed):
    with pytest.raises(BadInput, match=match):
        fit(table, splits, "naive_bayes", **changed)


def test_tables_that_do_not_fit_together_are_refused_by_name():
    table = clustered_features(14)
    splits = folds_of(table, 2)
    gone = table["label"].where(table["patient"] != "P003")
    refused("patient P003 has the label", table.assign(label=gone), splits)
    refused("patient P005 has lesions and is in no split", table, splits.query("patient != 'P005'"))
    twice = pd.concat([splits, splits.query("patient == 'P001'").assign(role="train")])
    refused("patient P001 has two roles in cv1-fold1", table, twice)
    infinite = table.copy()
    infinite.loc[infinite.index[infinite["patient"] == "P002"][0], "f03"] = np.inf
    refused("feature f03 of patient P002 is infinite: give a number", infinite, splits)
    refused("no feature", table, splits, columns=[])
    refused("positive is gastric", table, splits, positive="gastric")


def test_a_fold_without_both_classes_is_refused_by_name():
    table = clustered_features(14)
    splits = folds_of(table, 2)
    none_left = table[
        (table["label"] != POSITIVE)
        | table["patient"].isin(splits.query("split == 'cv1-fold1' and role == 'test'")["patient"])
    ]
    refused("cv1-fold1: no training patient of class pancreatic has a lesion", none_left, splits)
    tested = splits.query("split == 'cv1-fold2' and role == 'test'")["patient"]
    nobody, second = table[~table["patient"].isin(tested)], splits.query("split == 'cv1-fold2'")
    refused("cv1-fold2: none of its test patients has a lesion", nobody, second)


def test_an_unknown_arm_is_refused_with_the_known_ones():
    table = clustered_features(14)
    with pytest.raises(BadInput, match="no arm knn-adasyn: give one of the models xgboost"):
        fit(table, folds_of(table, 2), "knn", "adasyn")


# ---- chance


@pytest.mark.parametrize("model", ["logistic_regression", "knn"])
def test_with_labels_dealt_to_patients_the_auc_is_that_of_chance(model):
    """20 deals of a clustered, class-wise uneven table; pooled folds lean a little under .5."""
    table = clustered_features(40, (4, 9), 20, gain=1.5, cluster=1.0, seed=5)
    aucs = []
    for deal in range(20):
        dealt = with_dealt_labels(table, deal)
        predictions, _, _ = fit(dealt, folds_of(dealt, 4, seed=deal), model, seed=deal)
        aucs.append(roc_auc_score(predictions["label"] == POSITIVE, predictions["score"]))
    assert 0.42 < np.mean(aucs) < 0.56
