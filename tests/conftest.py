"""Where the real test data lie, and what a test may ask for."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real CTs and tables; tests that need it are skipped where it is not set."""
    folder = os.environ.get("LIVERMETS_TEST_DATA")
    if not folder:
        pytest.skip("LIVERMETS_TEST_DATA is not set: no real data to run against")
    return Path(folder).resolve(strict=True)
