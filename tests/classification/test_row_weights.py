"""Weights of rows: with `weigh: patients` no patient decides by the number of lesions."""

import numpy as np
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.feature_tables import clustered_features, feature_names, folds_of
from helpers.training import baseline, train
from livermets.classification.class_balancing import ClassBalancer
from livermets.classification.feature_selection import CorrelationFilter
from livermets.classification.importance_table import feature_importance
from livermets.classification.permutation_importance import permutation_losses
from livermets.classification.pipeline import build_pipeline, fit_probabilities
from livermets.classification.row_weights import equal_class_weights, patient_weights
from livermets.splits.folds import grouped_folds
from livermets.study.classifiers import CLASSIFIERS
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

SMALL = {"iterations": 2, "folds": 2}
PATIENTS = np.repeat(["a", "b", "c", "d"], [1, 3, 5, 11])
Y = np.repeat([0, 1, 0, 1], [1, 3, 5, 11])


def sums(weights, groups):
    return {group: weights[groups == group].sum() for group in np.unique(groups)}


def test_every_patient_weighs_as_much_as_one_lesion():
    weights = patient_weights(PATIENTS)
    assert list(sums(weights, PATIENTS).values()) == pytest.approx([1] * 4)


def test_classes_of_equal_weight_keep_the_weights_within_a_class():
    patients, y = np.append(PATIENTS, ["e", "e"]), np.append(Y, [1, 1])
    weights = equal_class_weights(y, patient_weights(patients))
    assert list(sums(weights, y).values()) == pytest.approx([2.5, 2.5])
    assert list(sums(weights, patients).values()) == pytest.approx(
        [5 / 4, 5 / 6, 5 / 4, 5 / 6, 5 / 6]
    )
    theirs = compute_sample_weight("balanced", y)
    np.testing.assert_array_equal(equal_class_weights(y, np.ones(22)), theirs)


def test_lesions_alike_have_weights_only_where_class_weights_are_asked_for():
    X = np.arange(20.0)[:, None]
    for strategy in ("none", "undersample", "smote"):
        assert ClassBalancer(strategy, 0).balance(X, Y, PATIENTS)[2] is None
    weights = ClassBalancer("weights").balance(X, Y)[2]
    assert weights[Y == 0] == pytest.approx([20 / 12] * 6)


@pytest.mark.parametrize("strategy", ["weights", "undersample"])
def test_patients_alike_in_classes_that_weigh_the_same(strategy):
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(9), rng.integers(2, 12, 9))
    y = (patients > 5).astype(int)
    marked = np.column_stack([patients, rng.normal(size=len(y))]).astype(float)
    rows, classes, weights = ClassBalancer(strategy, 0, "patients").balance(marked, y, patients)
    by_class = sums(weights, classes)
    assert by_class[0] == pytest.approx(by_class[1])
    for label in (0, 1):
        each = sums(weights[classes == label], rows[classes == label, 0])
        assert np.ptp(list(each.values())) == pytest.approx(0, abs=1e-12)


def test_rows_that_smote_made_weigh_as_the_mean_lesion_of_their_class():
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(8), [2, 9, 3, 4, 8, 9, 12, 7])
    y = (patients > 3).astype(int)
    X = rng.normal(size=(len(y), 3))
    rows, classes, weights = ClassBalancer("smote", 0, "patients").balance(X, y, patients)
    assert np.array_equal(rows[: len(y)], X)
    original, made = weights[: len(y)][y == 0], weights[len(y) :]
    assert len(made) == (y == 1).sum() - (y == 0).sum()
    assert made == pytest.approx([original.mean()] * len(made))
    assert weights[classes == 0].sum() == pytest.approx(weights[classes == 1].sum())


def test_the_fit_is_that_of_scikit_learn_with_the_same_weights():
    table = clustered_features(20, (2, 9), 5, gain=0.5)
    X, y = table[feature_names(table)], (table["label"] == POSITIVE).to_numpy(int)
    patients = table["patient"].to_numpy()
    pipeline = build_pipeline(LogisticRegression(), correlation=None, weigh="patients")
    ours = fit_probabilities(pipeline, X, y, patients, [])
    counts = table.groupby("patient")["patient"].transform("size").to_numpy()
    weights = 1 / counts
    scaled = StandardScaler().fit(X, sample_weight=weights).transform(X)
    theirs = LogisticRegression().fit(scaled, y, sample_weight=weights)
    np.testing.assert_allclose(
        ours.predict_proba(X)[:, 1], theirs.predict_proba(scaled)[:, 1], atol=1e-9
    )


@pytest.mark.parametrize(
    "model", ["xgboost", "svm", "kernel_svm", "logistic_regression", "naive_bayes", "decision_tree"]
)
def test_the_lesions_of_one_patient_many_times_over_change_nothing(model):
    """Without weights that patient leads. (A forest draws rows and k-means sees the copies.)"""
    table = clustered_features(20, (4, 4), 4, gain=0.6, seed=3)
    X, y = np.array(table[feature_names(table)]), (table["label"] == POSITIVE).to_numpy(int)
    patients = table["patient"].to_numpy()
    X[patients == "P001"] -= 2  # as the other class
    once = np.arange(len(y))
    copied = np.r_[once, np.repeat(np.flatnonzero(patients == "P001"), 30)]
    new = clustered_features(40, (4, 4), 4, gain=0.6, seed=4)
    new = new[feature_names(table)].to_numpy()
    # a tree grown to pure leaves answers its rows whatever they weigh; gamma is by rows
    fixed = {"decision_tree": {"max_depth": 1}, "kernel_svm": {"gamma": 0.1}}.get(model, {})

    def scores(weigh, rows):
        classifier = CLASSIFIERS[model].build(0, **fixed)
        pipeline = build_pipeline(classifier, correlation=0.9, weigh=weigh)
        pipeline.fit(X[rows], y[rows], patients[rows])
        method = "predict_proba" if hasattr(pipeline, "predict_proba") else "decision_function"
        return np.reshape(getattr(pipeline, method)(new), (len(new), -1))[:, -1]

    np.testing.assert_allclose(scores("patients", copied), scores("patients", once), atol=2e-3)
    assert np.abs(scores("lesions", copied) - scores("lesions", once)).max() > 0.05


def test_the_filter_keeps_what_it_would_keep_of_rows_that_stand_as_often_as_they_weigh():
    table = clustered_features(18, (2, 6), 12, gain=0.8, cluster=0.4)
    X, y = table[feature_names(table)].to_numpy(), (table["label"] == POSITIVE).to_numpy(int)
    times = np.random.default_rng(2).integers(1, 6, len(y))
    weighted = CorrelationFilter(0.3).fit(X, y, times / 7)
    repeated = CorrelationFilter(0.3).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    assert weighted.keep_.tolist() == repeated.keep_.tolist()
    assert weighted.keep_.tolist() != CorrelationFilter(0.3).fit(X, y).keep_.tolist()


@pytest.mark.parametrize("classes", [2, 3], ids=["two classes", "three classes"])
def test_weighted_losses_of_auc_are_those_of_scikit_learn(classes):
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(60) % classes)
    X = rng.normal(size=(60, 3)) + y[:, None] * [1.0, 0.3, 0.0]
    weights, order = rng.random(60), rng.permutation(60)
    forest = RandomForestClassifier(20, min_samples_leaf=3, random_state=0).fit(X, y)

    def auc(rows):
        scores = forest.predict_proba(rows)
        if classes == 2:
            return roc_auc_score(y, scores[:, 1], sample_weight=weights)
        each = [roc_auc_score(y == k, scores[:, k], sample_weight=weights) for k in range(classes)]
        return np.mean(each)

    losses = permutation_losses(forest, X, y, order[None], weights)
    for feature in range(3):
        shuffled = X.copy()
        shuffled[:, feature] = X[order, feature]
        assert losses[feature] == pytest.approx(auc(X) - auc(shuffled), abs=1e-9)


def test_importance_and_its_table_count_patients_alike():
    table = clustered_features(18, (2, 9), 6, gain=0.8)
    splits = folds_of(table, 2)
    found = {
        weigh: feature_importance(table, splits, CLASSES, 0.9, 3, feature_names(table), weigh=weigh)
        for weigh in ("lesions", "patients")
    }
    assert not found["lesions"]["importance"].equals(found["patients"]["importance"])
    report = train(table, splits, "naive_bayes", weigh="patients", max_features=3, tuning=SMALL)[2]
    assert (report["selected"] == 3).all()


def test_nearest_neighbours_say_in_the_fit_notes_that_they_take_no_weights():
    table = clustered_features(14)
    splits = folds_of(table, 2)
    words = "K-nearest neighbours cannot weigh lesions: each counted alike in the fit"
    report = train(table, splits, "knn", weigh="patients", tuning=SMALL)[2]
    assert report["note"].str.contains(words).all()
    assert not train(table, splits, "knn", tuning=SMALL)[2]["note"].str.contains("weigh").any()
    report = train(table, splits, "naive_bayes", weigh="patients", tuning=SMALL)[2]
    assert not report["note"].str.contains("weigh").any()


def test_the_inner_auc_counts_the_patients_of_the_held_out_rows_alike():
    table = clustered_features(18, (2, 9), 5, gain=0.7)
    splits = folds_of(table, 2).query("split == 'cv1-fold1'")
    tuning = {"iterations": 1, "folds": 3}
    report = train(table, splits, "naive_bayes", weigh="patients", tuning=tuning, seed=5)[2]
    rows = table[table["patient"].isin(splits.loc[splits["role"] != "test", "patient"])]
    rows = rows.sort_values(["patient", "lesion"], ignore_index=True)
    X, y = rows[feature_names(rows)], (rows["label"] == POSITIVE).to_numpy(int)
    patients = rows["patient"].to_numpy()
    aucs = []
    for a, b in grouped_folds(patients, y, 3, 5, "inner", "cv1-fold1"):
        pipeline = build_pipeline(CLASSIFIERS["naive_bayes"].build(0), weigh="patients")
        scores = pipeline.fit(X.iloc[a], y[a], patients[a]).predict_proba(X.iloc[b])[:, 1]
        counts = rows.iloc[b].groupby("patient")["patient"].transform("size")
        aucs.append(roc_auc_score(y[b], scores, sample_weight=1 / counts))
    assert report["inner_auc"].iloc[0] == pytest.approx(np.mean(aucs), abs=1e-12)


@pytest.mark.parametrize("resampling", ["none", "weights", "undersample", "smote"])
@pytest.mark.parametrize("model", ["svm", "xgboost", "naive_bayes"])
def test_weights_of_patients_go_together_with_every_way_of_resampling(model, resampling):
    table = clustered_features(16, (2, 9), 5, gain=0.7)
    splits = folds_of(table, 2).query("split == 'cv1-fold1'")
    alike = train(table, splits, model, resampling, weigh="patients", tuning=SMALL)[0]
    paper = train(table, splits, model, resampling, tuning=SMALL)[0]
    assert alike["score"].between(0, 1).all()
    assert not np.allclose(alike["score"], paper["score"])


def test_baselines_by_lesion_count_patients_alike_too():
    table = clustered_features(16, (1, 12), 3)
    splits = folds_of(table, 2)
    predictions = baseline("majority", table, splits, weigh="patients")[0]
    for split, part in predictions.groupby("split"):
        training = splits[(splits["split"] == split) & (splits["role"] != "test")]["patient"]
        labels = table.drop_duplicates("patient").set_index("patient")["label"]
        assert part["score"].unique() == pytest.approx([(labels[training] == POSITIVE).mean()])
    lesions, patients = (
        baseline("volume", table, splits, weigh=w)[0] for w in ("lesions", "patients")
    )
    assert not np.allclose(lesions["score"], patients["score"])
    once, twice = (baseline("burden", table, splits, weigh=w)[0] for w in ("lesions", "patients"))
    np.testing.assert_allclose(once["score"], twice["score"])
