"""Wheels for the tests, in a folder that pip takes for its package index."""

import hashlib
import zipfile
from pathlib import Path

import pytest


def wheel_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a folder pip's only index, with one wheel whose code would tell that it ran.

    The package is `tinymodel`, version 0.3, for a Python that is not the one of the tests. Returns
    the sha256 of the wheel.
    """
    folder.mkdir()
    file = folder / "tinymodel-0.3-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("tinymodel/__init__.py", "raise SystemExit('code of the package ran')")
        info = (
            "Metadata-Version: 2.1\nName: tinymodel\nVersion: 0.3\nRequires-Python: >=3.6, <3.7\n"
        )
        wheel.writestr("tinymodel-0.3.dist-info/METADATA", info)
        wheel.writestr("tinymodel-0.3.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("tinymodel-0.3.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return hashlib.sha256(file.read_bytes()).hexdigest()
