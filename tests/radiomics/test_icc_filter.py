"""The filter `min_icc`, from perturbed phantoms to classifiers and Table 2."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES
from helpers.training import train
from livermets.classification.importance_table import feature_importance
from livermets.classification.pipeline import selected_features
from livermets.features.features_table import feature_columns
from livermets.lesions.components import label_lesions
from livermets.phantoms.phantom import make_phantom
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_files import REASON
from livermets.radiomics.icc import icc_table, unstable_features
from livermets.radiomics.perturbations import perturbed_rows
from livermets.splits.patient_splits import split_patients

EXTRACTOR = LesionExtractor({"binWidth": 25}, ["firstorder", "glcm"])
SMALL = {"size": (20, 64, 64), "spacing_mm": (4.0, 4.0, 5.0)}
LIMIT = 0.8


@pytest.fixture(scope="module")
def study():
    """Features, perturbed features and folds of twelve tiny phantoms."""
    rows, perturbed = [], []
    for number in range(12):
        ids = {"patient": f"P{number:02d}", "label": CLASSES[number % 2]}
        mean = {"lesions_per_class": dict.fromkeys(CLASSES, 3)}
        ct, mask = make_phantom(*ids.values(), CLASSES, 5, **SMALL, **mean)
        labelled, table, _ = label_lesions(ct, mask, min_diameter_mm=0)
        volume = table.set_index("lesion")["volume_ml"]
        for found, into in (
            (EXTRACTOR.extract(ct, labelled), rows),
            (perturbed_rows(EXTRACTOR, ct, labelled, seed=5), perturbed),
        ):
            into += [ids | {"volume_ml": volume[row["lesion"]]} | row for row in found]
    features, perturbed = (pd.DataFrame(part).drop(columns=REASON) for part in (rows, perturbed))
    patients = features[["patient", "label"]].drop_duplicates()
    return features, perturbed, split_patients(patients, None, {"folds": 3, "validation": 0}, 7)


@pytest.fixture(scope="module")
def unstable(study):
    _, perturbed, splits = study
    return unstable_features(icc_table(perturbed, splits), LIMIT)


def test_every_split_drops_some_features_of_real_perturbations_and_keeps_some(study, unstable):
    columns = feature_columns(study[0])
    assert len(columns) == 18 + 24
    for dropped in unstable.values():
        assert set(dropped) <= set(columns)
        assert 3 < len(dropped) < len(columns) - 3
    assert "original_firstorder_Mean" not in set().union(*unstable.values())


def test_what_test_patients_look_like_when_perturbed_changes_no_surviving_feature(study, unstable):
    _, perturbed, splits = study
    rng = np.random.default_rng(0)
    names = [name for name in perturbed if name.startswith("original_")]
    for split, part in splits.groupby("split"):
        role = part.set_index("patient")["role"]
        for changed, same in (("test", True), ("train", False)):
            rows = perturbed["patient"].map(role) == changed
            other = perturbed.copy()
            other.loc[rows, names] = rng.normal(size=(rows.sum(), len(names)))
            found = unstable_features(icc_table(other, part), LIMIT)
            assert (found.get(split) == unstable[split]) is same


def test_neither_a_classifier_nor_table_2_selects_what_the_filter_left_out(study, unstable):
    features, _, splits = study
    columns = feature_columns(features)
    _, fitted, report = train(features, splits, "logistic_regression", unstable=unstable)
    for split, model in fitted.items():
        here = [name for name in columns if name not in unstable[split]]
        assert set(selected_features(model, here)) <= set(here)
        assert list(model.feature_names_in_) == here
    assert report["features"].tolist() == [len(columns) - len(unstable[s]) for s in fitted]
    table = feature_importance(features, splits, CLASSES, 0.99, 1, unstable=unstable)
    table = table.set_index("feature")
    assert set(table.index) == set(columns)
    dropped = pd.Series([name for names in unstable.values() for name in names]).value_counts()
    assert (dropped == len(unstable)).any()
    for name, times in dropped.items():
        assert table.at[name, "selected_share"] <= 1 - times / len(unstable) + 1e-12
        if times == len(unstable):
            assert table.at[name, "importance"] == 0
    free = feature_importance(features, splits, CLASSES, 0.99, 1).set_index("feature")
    assert free.loc[dropped.index, "selected_share"].max() == 1  # but for the filter, they would be
