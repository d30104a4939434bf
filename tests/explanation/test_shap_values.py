"""SHAP values: they add up, equal Shapley's formula, and groups of features are steady."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.feature_tables import clustered_features
from helpers.training import TASK, train
from livermets.explanation.feature_groups import correlated_groups, study_groups
from livermets.explanation.shap_summary import additivity, feature_shares, summarise_shap
from livermets.explanation.shap_values import ShapSettings, explain_arm, shap_values

FOLDS = 2


class Formula:
    """A model whose score is a formula of the columns of a table."""

    def __init__(self, formula):
        self.formula = formula

    def predict_proba(self, table):
        score = self.formula(table)
        return np.stack([1 - score, score], axis=1)


def some_table(rows, seed):
    values = np.random.default_rng(seed).uniform(size=(rows, 3))
    return pd.DataFrame(values, columns=["a", "b", "c"])


def test_of_a_linear_score_each_value_is_the_slope_times_the_distance_from_the_mean():
    background, lesions = some_table(20, 1), some_table(6, 2)
    model = Formula(lambda t: (0.1 + 0.5 * t["a"] - 0.3 * t["b"] + 0.3).to_numpy())
    found, base = shap_values(model, lesions, background, ["a", "b", "c"], TASK, seed=5)
    centred = lesions - background.mean()
    np.testing.assert_allclose(found[:, 0], 0.5 * centred["a"], atol=1e-12)
    np.testing.assert_allclose(found[:, 1], -0.3 * centred["b"], atol=1e-12)
    np.testing.assert_allclose(found[:, 2], 0, atol=1e-12)
    assert base == pytest.approx(model.predict_proba(background)[:, 1].mean())


def test_of_two_features_that_act_together_the_values_are_shapleys():
    background, lesions = some_table(9, 1), some_table(4, 2)
    model = Formula(lambda t: (t["a"] * t["b"] ** 2).to_numpy())
    found, base = shap_values(model, lesions, background, ["a", "b"], TASK, seed=5)
    for row, (a, b) in zip(found, lesions[["a", "b"]].to_numpy(), strict=True):
        nothing = (background["a"] * background["b"] ** 2).mean()
        a_alone, b_alone = a * (background["b"] ** 2).mean(), background["a"].mean() * b**2
        both = a * b**2
        of_a = ((a_alone - nothing) + (both - b_alone)) / 2
        np.testing.assert_allclose(row, [of_a, both - nothing - of_a], atol=1e-12)
        assert base == pytest.approx(nothing)


@pytest.fixture(scope="module")
def fitted():
    table = clustered_features(24, lesions=3, features=6, gain=1.5, seed=4)
    patients = sorted(table["patient"].unique())
    roles = []
    for fold in range(FOLDS):
        for k, patient in enumerate(patients):
            role = "test" if (k // 2) % FOLDS == fold else "train"
            roles.append((f"cv1-fold{fold + 1}", patient, role))
    splits = pd.DataFrame(roles, columns=["split", "patient", "role"])
    return table, splits


@pytest.mark.parametrize("model", ["logistic_regression", "knn", "svm"])
def test_the_values_of_a_held_out_lesion_add_up_to_its_score_minus_the_base(fitted, model):
    table, splits = fitted
    predictions, models, _ = train(table, splits, model, correlation=0.9)
    values, _ = explain_arm(
        f"{model}-none", models, table, splits, TASK, ShapSettings(lesions=8, background=6)
    )
    assert additivity(values) < 1e-9
    key = ["split", "patient", "lesion"]
    scores = values.drop_duplicates(key).set_index(key)["score"]
    known = predictions.set_index(key)["score"]
    np.testing.assert_allclose(scores, known.loc[scores.index], atol=1e-12)
    assert len(scores) == 8 * FOLDS
    tested = splits[splits["role"] == "test"].set_index(["split", "patient"]).index
    assert set(scores.index.droplevel("lesion")) <= set(tested)


def test_a_value_that_does_not_add_up_is_noticed(fitted):
    table, splits = fitted
    _, models, _ = train(table, splits, "logistic_regression", correlation=0.9)
    values, _ = explain_arm("logistic_regression-none", models, table, splits, TASK,
                            ShapSettings(lesions=2, background=3))  # fmt: skip
    values.loc[0, "shap"] += 0.25
    assert additivity(values) == pytest.approx(0.25, abs=1e-9)


def test_features_that_rank_lesions_alike_are_one_group():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 60))
    rows = pd.DataFrame(
        {"volume": np.exp(first), "diameter": first, "negative": -(first**3), "texture": second,
         "constant": 1.0}
    )  # fmt: skip
    groups = correlated_groups(rows, 0.7)
    assert groups["volume"] == groups["diameter"] == groups["negative"]
    assert groups.nunique() == 3


def test_every_two_features_of_a_group_are_correlated():
    rng = np.random.default_rng(3)
    base = rng.normal(size=300)
    chain = {f"f{k}": base * (4 - k) + np.roll(base, 7) * k for k in range(5)}
    rows = pd.DataFrame(chain)
    groups = correlated_groups(rows, 0.7)
    rho = rows.corr(method="spearman").abs()
    for name in groups.unique():
        members = groups.index[groups == name]
        assert (rho.loc[members, members] > 0.7).all(axis=None)
    assert len(set(groups)) > 1  # the chain as a whole is not


def test_features_are_a_group_of_the_study_if_most_splits_group_them():
    groups = pd.DataFrame(
        {"s1": [1, 1, 2], "s2": [5, 5, 5], "s3": [1, 2, 2.0]}, index=["a", "b", "c"]
    )
    found = study_groups(groups)
    assert found["a"] == found["b"] != found["c"]
    groups.loc["c", ["s1", "s3"]] = np.nan  # where both are, they are together
    assert study_groups(groups)["b"] in (study_groups(groups)["a"], study_groups(groups)["c"])


def long_values(shap_of):
    """SHAP values of a lesion of each of three patients a split: split -> feature -> value."""
    rows = [
        ("x", split, f"{split}-{patient}", 1, CLASSES[0], feature, float(patient), sign * value)
        for split, features in shap_of.items()
        for feature, value in features.items()
        for patient, sign in ((0, -1), (1, 1), (2, 1))
    ]
    names = ["arm", "split", "patient", "lesion", "label", "feature", "value", "shap"]
    return pd.DataFrame(rows, columns=names).assign(base=0.5, score=0.5)


def test_features_that_stand_for_each_other_share_one_steady_row():
    values = long_values({"cv1-fold1": {"a": 0.3, "c": 0.1}, "cv1-fold2": {"b": 0.3, "c": 0.1}})
    groups = pd.DataFrame(
        [
            ("x", split, feature, {"c": 2}.get(feature, 1))
            for split in ("cv1-fold1", "cv1-fold2")
            for feature in "abc"
        ],
        columns=["arm", "split", "feature", "group"],
    )
    summary, shares = summarise_shap(values, groups, TASK)
    assert summary["group"].tolist() == ["a", "c"]
    assert summary["members"].tolist() == ["a, b", "c"]
    np.testing.assert_allclose(summary["share"], [0.75, 0.25])
    np.testing.assert_allclose(summary["sd"], 0, atol=1e-12)
    assert summary["top"].tolist() == [2, 2]
    assert summary["direction"].tolist() == [POSITIVE, POSITIVE]
    np.testing.assert_allclose(shares.groupby("split")["share"].sum(), 1)


def test_a_patient_with_many_lesions_counts_as_one():
    values = pd.DataFrame(
        {"split": "holdout", "patient": ["P"] * 9 + ["Q"] * 2,
         "lesion": [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1],
         "feature": ["a"] * 9 + ["a", "b"], "shap": [0.2] * 9 + [0.0, 0.1]}
    )  # fmt: skip
    shares = feature_shares(values)["holdout"]
    assert shares["a"] == pytest.approx(0.5)


def test_the_hold_out_is_left_out_where_there_is_a_cross_validation():
    values = long_values({"holdout": {"a": 1.0}, "cv1-fold1": {"b": 1.0}})
    groups = pd.DataFrame(
        [("x", s, f, k) for s in ("holdout", "cv1-fold1") for k, f in enumerate("ab")],
        columns=["arm", "split", "feature", "group"],
    )
    summary, _ = summarise_shap(values, groups, TASK)
    assert summary.set_index("group")["share"].to_dict() == {"b": 1.0, "a": 0.0} or (
        summary["group"].tolist() == ["b"]
    )
