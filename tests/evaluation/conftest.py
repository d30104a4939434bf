"""One synthetic study for all tests of the room: made once, and only read."""

import pandas as pd
import pytest
from helpers.prediction_tables import make_cohort, make_predictions, make_splits


@pytest.fixture(scope="session")
def cohort() -> pd.DataFrame:
    return make_cohort()


@pytest.fixture(scope="session")
def splits(cohort: pd.DataFrame) -> pd.DataFrame:
    return make_splits(cohort)


@pytest.fixture(scope="session")
def predictions(cohort: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Three k-nearest-neighbour arms, DenseNet and four baselines."""
    return make_predictions(cohort, splits, ["knn"])
