"""Fixtures that several rooms share, and the rule that every test has the same name every time."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from helpers.run_study import finished_table_study
from helpers.steady_names import refuse_made_up_name, unsteady_parts


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Refuse a parametrised value without a written id that pytest would have to name itself."""
    refuse_made_up_name(val, argname)
    return None  # pytest's own way


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names that can differ between two workers."""
    for item in items:
        if parts := unsteady_parts(item.nodeid):
            raise pytest.UsageError(f"the name of {item.nodeid} holds {' and '.join(parts)}")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real CTs and tables; tests that need it are skipped where it is not set."""
    folder = os.environ.get("LIVERMETS_TEST_DATA")
    if not folder:
        pytest.skip("LIVERMETS_TEST_DATA is not set: no real data to run against")
    return Path(folder).resolve(strict=True)


@pytest.fixture(scope="session")
def dicom_folder(
    real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The folder of slices in one of the real archives, by the name of the case."""
    unpacked = tmp_path_factory.mktemp("dicom")

    def folder(case: str) -> Path:
        if not (unpacked / case).exists():
            shutil.unpack_archive(real_data / case / "dicom.tar.gz", unpacked / case, filter="data")
        return next((unpacked / case).rglob("*.dcm")).parent

    return folder


@pytest.fixture(scope="session")
def table_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study that started from a feature table, one for all workers, who only read it."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # which the workers share
    folder = base / "table_study"
    with FileLock(f"{folder}.lock"):  # the second worker waits until the first has run the study
        if not (folder / "results/report.html").exists():
            folder.mkdir(exist_ok=True)
            finished_table_study(folder)
    return folder
