"""The radiomics arm with DenseNet-121's embeddings as further features."""

import numpy as np
import pandas as pd
import pytest
from helpers.feature_tables import folds_of
from livermets.classification.training import TrainingSettings
from livermets.core.errors import BadInput
from livermets.fusion.beside_radiomics import train_beside_radiomics
from livermets.fusion.radiomics_arm import read_choice
from livermets.predictions.task import Task

AB = Task(["a", "b"], "b")


def tables_of(patients=24, seed=1):
    """Radiomics without a signal, and embeddings of two splits with one, in lesions of patients."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"patient": np.repeat([f"P{n:02}" for n in range(patients)], 3)})
    rows["lesion"] = rows.groupby("patient").cumcount() + 1
    rows["label"] = np.array(AB.classes)[rows["patient"].str[1:].astype(int) % 2]
    features = rows.assign(original_a=rng.normal(size=len(rows)), volume_ml=1.0)
    splits = folds_of(rows, folds=2)
    signal = 3.0 * (rows["label"] == "b")
    embeddings = [
        rows[["patient", "lesion"]].assign(
            split=split,
            densenet121_0000=sign * signal + rng.normal(size=len(rows)),
            densenet121_0001=rng.normal(size=len(rows)),
        )
        for split, sign in zip(splits["split"].unique(), (1, -1), strict=True)
    ]
    return features, embeddings, splits


def fused(features, embeddings, splits):
    chosen = read_choice(None, "logistic_regression-none", splits)
    return train_beside_radiomics(features, embeddings, splits, chosen, AB, TrainingSettings())


def test_each_split_learns_from_its_own_embeddings_beside_radiomics():
    features, embeddings, splits = tables_of()
    predictions, report = fused(features, embeddings, splits)
    assert set(predictions["arm"]) == {"fusion_embeddings"}
    assert len(predictions) == len(features)
    assert report["features"].tolist() == [3, 3]
    # the sign of the first embedding differs between the splits, as networks' axes do
    score = predictions.groupby(["label", "split"])["score"].mean()
    assert (score["b"] - score["a"] > 0.5).all()


def test_test_labels_change_no_score():
    features, embeddings, splits = tables_of()
    first = splits["split"] == "cv1-fold1"
    one, _ = fused(features, embeddings[:1], splits[first])
    tested = features["patient"].isin(splits.loc[first & (splits["role"] == "test"), "patient"])
    other = features.assign(label=features["label"].where(~tested, "a"))
    np.testing.assert_array_equal(
        fused(other, embeddings[:1], splits[first])[0]["score"], one["score"]
    )


def test_a_lesion_without_an_embedding_is_named():
    features, embeddings, splits = tables_of()
    embeddings[1] = embeddings[1].drop(index=4)
    with pytest.raises(BadInput, match="patient P01: lesion 2 has no embedding in cv1-fold2"):
        fused(features, embeddings, splits)
