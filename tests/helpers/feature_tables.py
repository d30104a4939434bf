"""Clustered tables of features for the classifiers' tests: many lesions a patient, in one study."""

import numpy as np
import pandas as pd
from helpers.classes import CLASSES
from livermets.splits.patient_splits import split_patients


def clustered_features(
    patients: int = 24,
    lesions: int | tuple[float, float] = (3.0, 6.0),
    features: int = 8,
    gain: float = 0.0,
    cluster: float = 1.0,
    seed: int = 1,
) -> pd.DataFrame:
    """One row a lesion: patient, lesion, label, volume_ml, burden, f00, f01, ...

    The first three features differ by `gain` standard deviations between the classes; every
    feature has a patient effect of sd `cluster`. Classes alternate; `lesions` are the mean numbers
    of lesions of the two classes, and so the classes are uneven lesion-wise, as the paper's are;
    one number gives every patient as many.
    """
    rng, tables = np.random.default_rng(seed), []
    names = [f"f{i:02d}" for i in range(features)]
    for number in range(patients):
        positive = number % 2
        fixed = isinstance(lesions, int)
        rows = lesions if fixed else 1 + rng.poisson(lesions[positive] - 1)
        shift = np.where(np.arange(features) < 3, gain * positive, 0.0)
        effect = cluster * rng.normal(size=features)
        table = pd.DataFrame(shift + effect + rng.normal(size=(rows, features)), columns=names)
        table.insert(0, "patient", f"P{number:03d}")
        table.insert(1, "lesion", np.arange(1, rows + 1))
        table.insert(2, "label", CLASSES[positive])
        table.insert(3, "volume_ml", rng.lognormal(size=rows))
        table.insert(4, "burden", rng.beta(2, 20))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def feature_names(table: pd.DataFrame) -> list[str]:
    """The features f00, f01, ... of such a table."""
    return [name for name in table if name.startswith("f") and name[1:].isdigit()]


def folds_of(table: pd.DataFrame, folds: int = 3, validation: int = 0, seed: int = 7):
    """The table's patients in a cross-validation, by the package's own division."""
    patients = table[["patient", "label"]].drop_duplicates()
    return split_patients(patients, None, {"folds": folds, "validation": validation}, seed)


def with_dealt_labels(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The labels dealt anew at random to whole patients; each class keeps its number of them."""
    known = table.drop_duplicates("patient").set_index("patient")["label"]
    dealt = pd.Series(np.random.default_rng(seed).permutation(known.to_numpy()), known.index)
    return table.assign(label=table["patient"].map(dealt))


def mixed_features(patients: int = 24, gain: float = 2.0, seed: int = 1) -> pd.DataFrame:
    """One row a lesion, which carries the label; every third patient has lesions of both classes.

    Three lesions a patient; the features f00 to f02 tell the classes of lesions apart by `gain`
    standard deviations, f03 and f04 tell nothing.
    """
    table = clustered_features(patients, lesions=3, features=5, cluster=0.5, seed=seed)
    table = table.drop(columns="burden")
    mixed = table["patient"].str[1:].astype(int) % 3 == 0
    table.loc[mixed & (table["lesion"] == 1), "label"] = CLASSES[0]
    table.loc[mixed & (table["lesion"] > 1), "label"] = CLASSES[1]
    names = feature_names(table)[:3]
    table.loc[table["label"] == CLASSES[1], names] += gain
    return table
