"""A study that downloads its segmentation model."""

import hashlib

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.model_server import model_server
from helpers.run_study import snakemake, write_config, write_sheet
from helpers.segmentation import DEMO_MODEL
from helpers.wheels import wheel_index
from livermets.core.io import hash_file
from livermets.study.model_cache import model_cache_path


@pytest.fixture
def server():
    with model_server(DEMO_MODEL.read_bytes()) as running:
        yield running


@pytest.mark.slow
def test_a_study_downloads_its_model_once_and_another_study_takes_the_same(
    server, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    server.breaks = [300_000]
    sha256 = hashlib.sha256(server.content).hexdigest()
    model = {
        "name": "net",
        "url": server.url,
        "sha256": sha256,
        "labels": {"liver": 1, "lesion": 2},
    }
    voxels = np.full((12, 40, 40), 90, np.int16)
    voxels[:, :2] = -1000  # a CT without air or fat is refused
    hu = sitk.GetImageFromArray(voxels)
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
    assert (
        len(server.requested) == 2
    )  # broken off once, resumed once; the second study asked nothing
    assert model_cache_path(sha256).read_bytes() == server.content


def test_a_study_has_pip_fetch_the_wheel_of_its_model_into_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sha256 = wheel_index(tmp_path / "index", monkeypatch)
    model = {
        "name": "net", "kind": "leuven", "package": "tinymodel==0.3", "sha256": sha256,
        "labels": {"liver": 1, "lesion": 2},
    }  # fmt: skip
    study = tmp_path / "study"
    write_sheet(study, [("P1", "colorectal", "ct.nii.gz", "")])
    (study / "ct.nii.gz").touch()
    write_config(study, {"segmentation": {"models": [model]}})
    done = snakemake(study, "fetch_net")
    assert done.returncode == 0, done.stderr
    assert hash_file(model_cache_path(sha256)) == sha256
