"""Many-valued features: those in which two lesions are hardly ever equal by chance.

Two patients may well agree in twelve yes-or-no features. That they agree in three features with
as many values as there are lesions means that one of them is a copy.
"""

import numpy as np
import pandas as pd

SHARE = 0.5  # different values per lesion, above which a feature is many-valued ...
ENOUGH_VALUES = 100  # ... and the number of values that is enough in a table of any length


def many_valued(values: np.ndarray) -> np.ndarray:
    """Find the columns with many different values.

    Rows that are copies of each other in all columns count once, because a table in which every
    patient stands twice has half as many values as rows.

    Parameters
    ----------
    values : ndarray of float, shape (lesions, features)
        NaN where a value is missing; missing values count neither as values nor as lesions.

    Returns
    -------
    ndarray of bool, shape (features,)
        Whether a column has more different values than half of the lesions, or than 100.
    """
    distinct = pd.DataFrame(values).drop_duplicates()
    needed = np.minimum(SHARE * distinct.count(), ENOUGH_VALUES)
    return (distinct.nunique() > needed).to_numpy(bool)
