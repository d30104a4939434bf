"""Model archives: hashed, unpacked once, refused where they are not what was named."""

import os
import pickle
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.segmentation import demo_model
from livermets.core.errors import BadInput
from livermets.segmentation.model_archive import hash_model, model_folder
from livermets.segmentation.model_chain import load_chain


def write_zip(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


class Bomb:
    """A pickle that tells when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


NNUNET = {"m/plans.json": "{}", "m/dataset.json": "{}", "m/fold_0/checkpoint_final.pth": "x"}


def test_a_model_whose_hash_does_not_match_is_refused_before_any_of_it_is_loaded(tmp_path):
    went_off = tmp_path / "loaded"
    model = write_zip(
        tmp_path / "m.zip",
        **{**NNUNET, "m/fold_0/checkpoint_final.pth": pickle.dumps(Bomb(went_off))},
    )
    wrong = "0" * 64
    with pytest.raises(BadInput) as refusal:
        load_chain(
            [demo_model(), demo_model(name="liver-net", path=model, sha256=wrong)],
            cache_dir=tmp_path / "cache",
        )
    message = str(refusal.value)
    assert "liver-net" in message
    assert wrong in message
    assert hash_model(model) in message
    assert "fetch it again" in message
    assert not went_off.exists()


@pytest.mark.parametrize(
    "member", ["../evil.py", "/etc/evil", "m/../../evil", "..\\evil", "C:/evil"]
)
def test_a_zip_that_points_out_of_its_folder_is_refused_and_nothing_is_unpacked(tmp_path, member):
    model = write_zip(tmp_path / "m.zip", **NNUNET, **{member: "x"})
    with pytest.raises(BadInput, match="points out of its folder"):
        model_folder(model, hash_model(model), tmp_path / "cache", "demo")
    assert not (tmp_path / "cache").exists()


def test_jobs_may_unpack_the_same_model_at_the_same_time(tmp_path):
    big = {f"m/fold_0/{k}": os.urandom(200_000) for k in range(10)}
    model = write_zip(tmp_path / "m.zip", **NNUNET, **big)
    sha256 = hash_model(model)
    with ThreadPoolExecutor(8) as jobs:
        unpack = lambda _: model_folder(model, sha256, tmp_path / "cache")  # noqa: E731
        folders = set(jobs.map(unpack, range(16)))
    assert len(folders) == 1
    assert (folders.pop() / "plans.json").is_file()
    assert len(list((tmp_path / "cache").iterdir())) == 1  # no half-unpacked rest


def test_an_unpacked_model_that_was_changed_is_refused(tmp_path):
    model = write_zip(tmp_path / "m.zip", **NNUNET)
    folder = model_folder(model, hash_model(model), tmp_path / "cache")
    (folder / "fold_0/checkpoint_final.pth").write_text("y")
    with pytest.raises(BadInput, match=r"checkpoint_final.pth differs.*delete"):
        model_folder(model, hash_model(model), tmp_path / "cache")


def test_a_folders_hash_follows_names_and_contents_and_nothing_else(tmp_path):
    def folder(name, files):
        for file, text in files.items():
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(text)
        return tmp_path / name

    first = folder("a", {"plans.json": "1", "dataset.json": "2"})
    again = folder("b", {"dataset.json": "2", "plans.json": "1"})
    other = folder("c", {"plans.json": "1", "dataset.json": "3"})
    renamed = folder("d", {"plans.json": "1", "x/dataset.json": "2"})
    assert hash_model(first) == hash_model(again)
    assert len({hash_model(path) for path in (first, other, renamed)}) == 3
    assert model_folder(first, hash_model(first), tmp_path / "cache") == first


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"m/plans.pkl": "x"}, "checkpoints of nnU-Net v1"),
        ({"m/weights.pth": "x"}, "no plans.json"),
        ({**NNUNET, "n/plans.json": "{}", "n/dataset.json": "{}"}, "holds 2 trained models"),
    ],
    ids=["version 1 without weights", "no plans", "two models"],
)
def test_what_is_no_single_nnunet_model_is_refused_with_the_reason(tmp_path, members, problem):
    model = write_zip(tmp_path / "m.zip", **members)
    with pytest.raises(BadInput, match=problem):
        model_folder(model, hash_model(model), tmp_path / "cache", "demo")


def test_a_missing_model_and_a_file_that_is_no_zip_are_refused(tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        model_folder(tmp_path / "no.zip", "0" * 64, tmp_path)
    (tmp_path / "m.pth").write_text("x")
    with pytest.raises(BadInput, match="neither a folder nor a zip"):
        model_folder(tmp_path / "m.pth", hash_model(tmp_path / "m.pth"), tmp_path)
