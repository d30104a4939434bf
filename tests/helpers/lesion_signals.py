"""Simulated lesions of which one, or every one, tells the class of its patient."""

import numpy as np
import pandas as pd
from helpers.classes import CLASSES


def lesions_with_signal(
    carriers: int, shift: float, patients: int = 60, lesions: int = 10, seed: int = 1
) -> pd.DataFrame:
    """A features table in which the first `carriers` lesions of a patient may carry the signal.

    The three features f0, f1, f2 of a carrier are higher by `shift` standard deviations where the
    patient is of the second class; nothing else differs. The numbers of the lesions are dealt anew,
    so the number does not tell the carrier; volume_ml of a carrier is 2, of others 1.
    """
    rng, tables = np.random.default_rng(seed), []
    for number in range(patients):
        values = rng.normal(size=(lesions, 12))
        carrier = np.arange(lesions) < carriers
        values[carrier, :3] += shift * (number % 2)
        order = rng.permutation(lesions)
        table = pd.DataFrame(values[order], columns=[f"f{i}" for i in range(12)])
        table.insert(0, "patient", f"P{number:03d}")
        table.insert(1, "lesion", np.arange(1, lesions + 1))
        table.insert(2, "label", CLASSES[number % 2])
        table.insert(3, "volume_ml", np.where(carrier[order], 2.0, 1.0))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
