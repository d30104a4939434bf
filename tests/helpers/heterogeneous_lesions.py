"""Tables of features in which the lesions of a patient vary by a known amount, for each class."""

import numpy as np
import pandas as pd
from helpers.classes import CLASSES


def varied_features(
    seed: int,
    spread: tuple[float, float] = (0.5, 0.5),
    lesions: tuple[float, float] = (5, 5),
    patients: int = 24,
    features: int = 8,
    varied: int | None = None,
) -> pd.DataFrame:
    """Skewed features above zero: patient, lesion, label, volume_ml, g00, g01, ...

    The logarithm of a feature varies by `spread` between the lesions of a patient, in the first
    `varied` features (by default all; the rest as in the first class), and by .5 between patients.
    `lesions` are the mean numbers of lesions of the two classes, at least two.
    """
    rng, tables = np.random.default_rng(seed), []
    varied = features if varied is None else varied
    for number in range(patients):
        of_class = number % 2
        rows = 2 + rng.poisson(lesions[of_class] - 2)
        widths = np.where(np.arange(features) < varied, spread[of_class], spread[0])
        together, alone = rng.normal(size=(rows, 1)), rng.normal(size=(rows, features))
        values = np.exp(widths * (0.6 * together + 0.8 * alone) + rng.normal(0, 0.5, features))
        table = pd.DataFrame(values, columns=[f"g{i:02d}" for i in range(features)])
        table.insert(0, "patient", f"P{number:03d}")
        table.insert(1, "lesion", np.arange(1, rows + 1))
        table.insert(2, "label", CLASSES[of_class])
        table.insert(3, "volume_ml", rng.lognormal(size=rows))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
