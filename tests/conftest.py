"""Fixtures that several rooms share, and the rule that every test has the same name every time."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.run_study import finished_table_study

# Parts of a name that come from the machine or the moment, not from the author.
UNSTEADY = {
    "the address of an object": re.compile(r"0x[0-9a-f]{4,}|<[^>]* object"),
    "a time": re.compile(r"\d{1,2}:\d{2}:\d{2}|\d{4}-\d\d-\d\d[T ]\d"),
    "a path of this machine": re.compile(re.escape(str(Path(__file__).parents[1]))),
}


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Refuse a parametrised value whose name pytest would have to make up.

    Workers that collect different names run no test at all, and a made-up name (`words3`) tells a
    reader nothing. Texts, whole numbers, booleans, classes and functions name themselves.
    """
    named = val is None or isinstance(val, bool | int)
    if isinstance(val, str):
        named = val.isprintable() and not re.fullmatch(r"[-+]?\d*\.\d+([eE][-+]?\d+)?", val)
    elif isinstance(getattr(val, "__name__", None), str):
        named = val.__name__ != "<lambda>"
    if not named:
        raise TypeError(
            f"the parameter `{argname}` is a {type(val).__name__}: write an id for each case, "
            "`pytest.param(..., id='what is special')` or `ids=[...]`"
        )
    return None  # pytest's own way


def unsteady_parts(name: str) -> list[str]:
    """What in the name of a test can differ between two runs of the same code."""
    return [kind for kind, pattern in UNSTEADY.items() if pattern.search(name)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names that can differ between two workers."""
    for item in items:
        parts = unsteady_parts(item.nodeid)
        if parts:
            raise pytest.UsageError(
                f"the name of {item.nodeid!r} holds {' and '.join(parts)}: write an id"
            )


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
    """A finished study that started from a feature table, once a worker; tests only read it."""
    return finished_table_study(tmp_path_factory.mktemp("table_study"))
