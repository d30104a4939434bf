"""Feature tables as a user gives them, made small and without anything to learn."""

import numpy as np
import pandas as pd
from helpers.classes import CLASSES

OURS = {"patient": "patient", "lesion": "lesion", "label": "label"}  # `feature_columns`


def own_table(patients: int = 16, lesions: int = 2, seed: int = 0) -> pd.DataFrame:
    """A user's table with three features that say nothing, of patients P01, P02, ..."""
    rng = np.random.default_rng(seed)
    n = patients * lesions
    ids = np.repeat([f"P{i:02}" for i in range(1, patients + 1)], lesions)
    table = pd.DataFrame({"patient": ids, "lesion": np.tile(range(1, lesions + 1), patients)})
    table["label"] = np.repeat(np.resize(CLASSES, patients), lesions)
    return table.join(pd.DataFrame(rng.normal(size=(n, 3)), columns=["Mean", "Energy", "Busyness"]))
