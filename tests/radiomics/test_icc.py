"""ICC against Shrout & Fleiss' own table and the analysis of variance of statsmodels."""

import numpy as np
import pandas as pd
import pytest
from livermets.classification.split_training import train_on_splits
from livermets.core.errors import BadInput
from livermets.features.features_table import feature_columns, without_other_sets
from livermets.predictions.task import Task
from livermets.radiomics.icc import (
    gather_perturbed,
    icc31,
    icc_by_size,
    icc_table,
    unstable_features,
)
from livermets.radiomics.perturbations import PERTURBATIONS
from livermets.report.figures.robustness import draw_robustness
from sklearn.dummy import DummyClassifier
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

# Shrout & Fleiss 1979, Table 2: six targets, four judges; their Table 4: ICC(3,1) = .71
RATINGS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


def test_icc_is_that_of_shrout_and_fleiss():
    assert icc31(RATINGS[..., None])[0] == pytest.approx(0.7148, abs=5e-5)


def test_icc_comes_from_the_two_way_analysis_of_variance():
    rng = np.random.default_rng(9)
    values = rng.normal(size=(12, 1, 3)) + rng.normal(size=(12, 5, 3)) * [0.1, 1, 10]
    for feature in range(3):
        long = pd.DataFrame(
            [(t, r, values[t, r, feature]) for t in range(12) for r in range(5)],
            columns=["target", "rater", "value"],
        )
        table = anova_lm(ols("value ~ C(target) + C(rater)", long).fit())
        between, rest = table.loc[["C(target)", "Residual"], "mean_sq"]
        expected = (between - rest) / (between + 4 * rest)
        assert icc31(values)[feature] == pytest.approx(expected, rel=1e-9)


def test_icc_ignores_a_judges_offset_and_the_unit_and_incomplete_targets():
    values = np.stack([RATINGS, RATINGS * 1000 + [5, 7, 0, 1], RATINGS, RATINGS * 0 + 3], axis=2)
    values = np.concatenate([values, values[:1]])
    values[6, 2, :3] = np.nan  # a seventh target that one judge did not see
    found = icc31(values)
    assert found[:3] == pytest.approx([found[0]] * 3, abs=1e-9)
    assert round(found[0], 2) == 0.71
    assert np.isnan(found[3])
    assert np.isnan(icc31(values[:1])).all()


def long_table(rng, patients=8, noise=(0.01, 3.0)):
    rows = []
    for patient in range(patients):
        for lesion in (1, 2):
            truth = rng.normal(size=2)
            for name in PERTURBATIONS:
                seen = truth + rng.normal(size=2) * noise
                rows.append(
                    (f"P{patient}", lesion, "ab"[patient % 2], lesion * 3.0 + patient, name, *seen)
                )
    columns = ["patient", "lesion", "label", "volume_ml", "perturbation", "steady", "shaky"]
    return pd.DataFrame(rows, columns=columns)


def test_only_training_patients_decide_which_features_are_stable():
    rng = np.random.default_rng(1)
    table = long_table(rng)
    broken = table["patient"].isin(["P6", "P7"])
    table.loc[broken, "steady"] = rng.normal(size=broken.sum()) * 50
    patients = [f"P{i}" for i in range(8)]
    first = pd.DataFrame({"split": "a", "patient": patients, "role": ["train"] * 6 + ["test"] * 2})
    other = first.assign(split="b", role=["test"] * 2 + ["validation"] * 2 + ["train"] * 4)
    icc = icc_table(table.sample(frac=1, random_state=0), pd.concat([first, other]))
    assert unstable_features(icc, 0.9) == {"a": ["shaky"], "b": ["steady", "shaky"]}
    assert unstable_features(icc, None) == {}
    with pytest.raises(BadInput, match="a: no feature has an ICC"):
        unstable_features(icc.assign(icc=icc["icc"].mask(icc["split"] == "a")), 0.9)
    assert set(icc["lesions"]) == {12}
    alone = icc_table(table[~broken], first)  # test patients change nothing
    assert alone["icc"].tolist() == icc.loc[icc["split"] == "a", "icc"].tolist()


def test_icc_by_class_and_size_covers_every_lesion_once():
    table = icc_by_size(long_table(np.random.default_rng(2)))
    steady = table[table["feature"] == "steady"]
    whole = steady[(steady["label"] == "all") & (steady["size"] == 0)]
    assert whole["lesions"].item() == 16
    thirds = steady[(steady["label"] == "all") & (steady["size"] > 0)]
    assert thirds["lesions"].sum() == 16
    assert steady[(steady["size"] == 0) & (steady["label"] != "all")]["lesions"].tolist() == [8, 8]


def test_the_figure_shows_every_class_and_third_and_says_so_where_there_is_nothing(tmp_path):
    table = long_table(np.random.default_rng(2))
    table = table.rename(
        columns={"steady": "original_firstorder_Mean", "shaky": "original_glcm_Id"}
    )
    by_size = icc_by_size(table)
    drawn = draw_robustness(by_size, 0.9, tmp_path / "a.svg")
    assert drawn.read_bytes() == draw_robustness(by_size, 0.9, tmp_path / "b.svg").read_bytes()
    assert drawn.read_text().count('id="axes_') == 3 * 4
    assert "legend" not in drawn.read_text()
    ring = by_size.assign(feature=by_size["feature"].str.replace("original", "ring"))
    both = draw_robustness(pd.concat([by_size, ring]), 0.9, tmp_path / "d.svg").read_text()
    assert both.count('id="axes_') == 3 * 4
    assert both.count("legend") > 0
    nothing = draw_robustness(by_size.assign(icc=np.nan), 0.9, tmp_path / "c.svg")
    assert 'id="axes_' not in nothing.read_text()


def test_perturbed_lesions_take_label_and_volume_from_the_features_table(tmp_path):
    table = long_table(np.random.default_rng(3), patients=2)
    features = table.drop_duplicates(["patient", "lesion"])[
        ["patient", "lesion", "label", "volume_ml"]
    ]
    paths = []
    for patient, rows in table.groupby("patient"):
        paths.append(tmp_path / f"{patient}.parquet")
        rows[["perturbation", "lesion", "steady", "shaky"]].to_parquet(paths[-1])
    pd.DataFrame(columns=["perturbation", "lesion"]).to_parquet(tmp_path / "out.parquet")
    gathered = gather_perturbed(features, [*paths, tmp_path / "out.parquet"])
    both = [
        t.sort_values(["patient", "lesion", "perturbation"], ignore_index=True)
        for t in (gathered, table)
    ]
    pd.testing.assert_frame_equal(both[0][list(table)], both[1], check_dtype=False)


def test_a_split_learns_and_predicts_without_its_own_unstable_features():
    rng = np.random.default_rng(0)
    patients = [f"P{i}" for i in range(8)]
    table = pd.DataFrame({"patient": patients, "lesion": 1, "label": ["a", "b"] * 4})
    table[["x", "y"]] = rng.normal(size=(8, 2))
    role = ["train"] * 4 + ["test"] * 4
    first = pd.DataFrame({"split": "one", "patient": patients, "role": role})
    splits = pd.concat([first, first.assign(split="two", role=role[::-1])])
    seen = {}

    def learn(X, y, patients, split):
        seen[split] = list(X.columns)
        return DummyClassifier().fit(X, y), {}

    study = (table, splits, ["x", "y"], Task(["a", "b"], "b"))
    train_on_splits("arm", *study, learn, {"one": ["y"], "two": ["x", "not there"]})
    assert seen == {"one": ["x"], "two": ["y"]}
    with pytest.raises(BadInput, match="two: no feature reaches radiomics.min_icc"):
        train_on_splits("arm", *study, learn, {"two": ["x", "y"]})


def test_feature_sets_are_chosen_by_the_names_of_their_columns():
    names = ["original_glcm_Id", "log-sigma-2-mm-3D_glcm_Id", "ring_glcm_Id"]
    table = pd.DataFrame(
        {"patient": ["A"], "lesion": 1, "volume_ml": 2.0, **dict.fromkeys(names, 1.0)}
    )
    assert feature_columns(table) == names
    assert feature_columns(table, ["log", "ring"]) == names[1:]
    assert list(without_other_sets(table, ["ring"])) == ["patient", "lesion", "volume_ml", names[2]]
    with pytest.raises(BadInput, match="no column of the feature sets iso"):
        feature_columns(table, ["iso"])
