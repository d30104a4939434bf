"""Downloading a model: resumed, checked, shared between studies; over a real local server."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import yaml
from helpers.run_study import snakemake, write_config, write_sheet
from livermets.core.errors import BadInput
from livermets.segmentation.model_archive import cache_path
from livermets.segmentation.model_download import fetch
from livermets.study.config import load_config

ROOT = Path(__file__).parents[2]
CONTENT = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server():
    """A server of `content` whose `breaks` say after how many bytes each answer breaks off."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            self.server.asked.append(asked)
            if self.path != "/model.zip":
                return self.send_error(404)
            start = int(asked.split("=")[1].rstrip("-")) if asked and self.server.ranges else 0
            body = self.server.content[start:]
            if not body:
                return self.send_error(416)
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            stop = self.server.breaks.pop(0) if self.server.breaks else len(body)
            self.wfile.write(body[:stop])

        def log_message(self, *_):
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.content, made.breaks, made.asked, made.ranges = CONTENT, [], [], True
    made.url = f"http://127.0.0.1:{made.server_port}/model.zip"
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path):
    server.breaks = [1_000_000, 500_000]
    fetch(server.url, SHA256, tmp_path / "cache/m.zip", "net", pause_s=0)
    assert (tmp_path / "cache/m.zip").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000000-", "bytes=1500000-"]
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["m.zip"]


def test_what_an_earlier_job_left_is_gone_on_with(server, tmp_path):
    (tmp_path / f"m.zip.{SHA256[:12]}.part").write_bytes(CONTENT[:2_999_999])
    fetch(server.url, SHA256, tmp_path / "m.zip", "net", pause_s=0)
    assert server.asked == ["bytes=2999999-"] and (tmp_path / "m.zip").read_bytes() == CONTENT
    (tmp_path / f"n.zip.{SHA256[:12]}.part").write_bytes(CONTENT)  # killed before the check
    fetch(server.url, SHA256, tmp_path / "n.zip", "net", pause_s=0)
    assert (tmp_path / "n.zip").read_bytes() == CONTENT


def test_a_server_that_cannot_resume_is_asked_for_all_of_it(server, tmp_path):
    server.ranges = False
    server.breaks = [1_000_000]
    fetch(server.url, SHA256, tmp_path / "m.zip", "net", pause_s=0)
    assert (tmp_path / "m.zip").read_bytes() == CONTENT


def test_another_file_than_the_one_named_is_refused_and_forgotten(server, tmp_path):
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(BadInput, match="model net: .*has the sha256") as refusal:
        fetch(server.url, SHA256, tmp_path / "m.zip", "net", pause_s=0)
    assert hashlib.sha256(server.content).hexdigest() in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_had_is_said_with_what_to_do(server, tmp_path):
    with pytest.raises(BadInput, match="model net: .*404.*download it yourself"):
        fetch(server.url.replace("model", "gone"), SHA256, tmp_path / "m.zip", "net", pause_s=0)
    assert len(server.asked) == 1  # asking again would not help
    server.breaks = [10] * 9
    with pytest.raises(BadInput, match="cannot be downloaded"):
        fetch(server.url, SHA256, tmp_path / "m.zip", "net", pause_s=0)


def test_a_model_needs_a_path_or_a_url_and_is_cached_by_its_hash(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = {"name": "net", "sha256": SHA256, "labels": {"liver": 1}}
    with pytest.raises(BadInput, match="net has neither `path` nor `url`"):
        load_config({"segmentation": {"models": [model]}})
    config = load_config({"segmentation": {"models": [{**model, "url": "https://x.org/m.zip"}]}})
    assert config["segmentation"]["models"][0]["path"] == str(cache_path(SHA256))
    assert cache_path(SHA256).is_relative_to(tmp_path)


@pytest.mark.parametrize("recipe", sorted((ROOT / "config/recipes").glob("*.yaml")), ids=str)
def test_the_shipped_recipes_are_valid(recipe):
    load_config(yaml.safe_load(recipe.read_text()))


@pytest.mark.slow
def test_a_study_downloads_its_model_once_and_another_study_takes_the_same(
    server, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    server.content = (ROOT / "resources/demo/model.zip").read_bytes()
    server.breaks = [300_000]
    sha256 = hashlib.sha256(server.content).hexdigest()
    model = {
        "name": "net",
        "url": server.url,
        "sha256": sha256,
        "labels": {"liver": 1, "lesion": 2},
    }
    hu = sitk.GetImageFromArray(np.full((12, 40, 40), 90, np.int16))
    hu.SetSpacing((4.0, 4.0, 5.0))
    for name in ("one", "two"):
        study = tmp_path / name
        write_sheet(study, [("P1", "colorectal", "ct.nii.gz", "")])
        sitk.WriteImage(hu, str(study / "ct.nii.gz"))
        settings = {"models": [model], "mirroring": False, "device": "cpu", "threads": 1}
        write_config(study, {"segmentation": settings})
        done = snakemake(study, "results/segmentation/P1.nii.gz")
        assert done.returncode == 0, done.stderr
        assert "fetch_net" in done.stderr or name == "two"
    assert len(server.asked) == 2  # broken off once, resumed once; the second study asked nothing
    assert cache_path(sha256).read_bytes() == server.content
