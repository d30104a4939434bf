"""Order in which a reader sees the lesions of a scan."""

import pandas as pd


def surest_first(lesions: pd.DataFrame) -> pd.DataFrame:
    """Order lesions by the models' probability, highest first: a reader deletes from the bottom.

    Those without a probability, which no model called lesion, come before them all. Equal ones stay
    in their order.

    Parameters
    ----------
    lesions : pandas.DataFrame
        Rows of the table of `lesions.components.label_lesions`.
    """
    given = lesions["model_probability"].astype(float).reset_index(drop=True)
    order = given.sort_values(ascending=False, kind="stable", na_position="first").index
    return lesions.iloc[order]
