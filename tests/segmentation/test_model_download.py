"""Downloading a model: resumed and checked, over a real local server."""

import hashlib

import numpy as np
import pytest
from helpers.model_server import model_server
from livermets.core.errors import BadInput
from livermets.core.io import UNFINISHED
from livermets.segmentation.model_download import download_model

CONTENT = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server():
    with model_server(CONTENT) as running:
        yield running


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path):
    server.breaks = [1_000_000, 500_000]
    download_model(server.url, SHA256, tmp_path / "cache/m.zip", "net", pause_s=0)
    assert (tmp_path / "cache/m.zip").read_bytes() == CONTENT
    assert server.requested == [None, "bytes=1000000-", "bytes=1500000-"]
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["m.zip"]


def test_what_an_earlier_job_left_is_gone_on_with(server, tmp_path):
    (tmp_path / f"{UNFINISHED}{SHA256[:12]}.m.zip").write_bytes(CONTENT[:2_999_999])
    download_model(server.url, SHA256, tmp_path / "m.zip", "net", pause_s=0)
    assert server.requested == ["bytes=2999999-"]
    assert (tmp_path / "m.zip").read_bytes() == CONTENT
    (tmp_path / f"{UNFINISHED}{SHA256[:12]}.n.zip").write_bytes(CONTENT)  # killed before the check
    download_model(server.url, SHA256, tmp_path / "n.zip", "net", pause_s=0)
    assert (tmp_path / "n.zip").read_bytes() == CONTENT


def test_a_server_that_cannot_resume_is_asked_for_all_of_it(server, tmp_path):
    server.ranges = False
    server.breaks = [1_000_000]
    download_model(server.url, SHA256, tmp_path / "m.zip", "net", pause_s=0)
    assert (tmp_path / "m.zip").read_bytes() == CONTENT


def test_another_file_than_the_one_named_is_refused_and_forgotten(server, tmp_path):
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(BadInput, match="model net: .*has the sha256") as refusal:
        download_model(server.url, SHA256, tmp_path / "m.zip", "net", pause_s=0)
    assert hashlib.sha256(server.content).hexdigest() in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_had_is_said_with_what_to_do(server, tmp_path):
    with pytest.raises(BadInput, match="model net: .*404.*download it yourself"):
        download_model(
            server.url.replace("model", "gone"), SHA256, tmp_path / "m.zip", "net", pause_s=0
        )
    assert len(server.requested) == 1  # asking again would not help
    server.breaks = [10] * 9
    with pytest.raises(BadInput, match="cannot be downloaded"):
        download_model(server.url, SHA256, tmp_path / "m.zip", "net", pause_s=0)
