"""Mapped slices: equal to what was written, out of memory, and refused where they are damaged."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from livermets.core.errors import BadPatient
from livermets.deep_learning.dataset import lesion_dataset
from livermets.deep_learning.lesion_slices import save_slices
from livermets.deep_learning.mapped_slices import StackedImages, load_slices


def slices_of(n, size=32, seed=1):
    images = np.random.default_rng(seed).integers(0, 256, (n, size, size)).astype(np.uint8)
    return {"images": images, "lesion": np.arange(n) // 3 + 1, "z": np.arange(n)}


def private_memory() -> int:
    """Bytes of this process that no file stands behind."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"RssAnon:\s+(\d+)", status)[1])


@pytest.mark.parametrize("n", [0, 1, 7], ids=["no slice", "one slice", "seven slices"])
def test_what_is_read_is_what_was_written(tmp_path, n):
    slices = slices_of(n)
    save_slices(slices, tmp_path / "P1.npz")
    read = load_slices(tmp_path / "P1.npz")
    assert read.keys() == slices.keys()
    for name, array in slices.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


def test_a_change_in_memory_does_not_reach_the_file(tmp_path):
    save_slices(slices_of(3), tmp_path / "P1.npz")
    load_slices(tmp_path / "P1.npz")["images"][:] = 0
    np.testing.assert_array_equal(
        load_slices(tmp_path / "P1.npz")["images"], slices_of(3)["images"]
    )


def test_a_dataset_of_64_mb_takes_less_than_8_mb(tmp_path):
    path = tmp_path / "P1.npz"
    save_slices({"images": np.ones((1024, 256, 256), np.uint8), "lesion": np.arange(1024)}, path)
    before = private_memory()
    dataset = lesion_dataset({"P1": load_slices(path)}, {"P1": "a"}, ["P1"], ["a", "b"])
    for index in torch.arange(1024).split(32):
        assert dataset.batch(index).shape == (32, 256, 256)
    assert dataset.grey_levels()[1] == 1024 * 256 * 256
    assert private_memory() - before < 8 << 20


def test_more_files_than_a_process_may_open_can_be_mapped(tmp_path):
    resource = pytest.importorskip("resource")
    save_slices(slices_of(1), tmp_path / "P1.npz")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, limits[1]))
    try:
        mapped = [load_slices(tmp_path / "P1.npz") for _ in range(120)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(mapped) == 120


def test_stacked_images_are_those_of_one_array():
    parts = [slices_of(n, seed=n)["images"] for n in (3, 1, 300)]
    stacked, whole = StackedImages(parts), torch.from_numpy(np.concatenate(parts))
    index = torch.tensor([303, 0, 2, 3, 4, 4, 150])
    assert torch.equal(stacked[index], whole[index])
    assert torch.equal(torch.cat(list(stacked.blocks())), whole)
    assert torch.equal(stacked.to(torch.device("cpu")), whole)
    assert (len(stacked), stacked.shape, stacked.nbytes) == (304, whole.shape, whole.nbytes)


def damage_a_pixel(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        damage_a_pixel,
        lambda path: path.write_bytes(path.read_bytes()[:-500]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("patient\tlesion\n"),
        lambda path: np.savez_compressed(path, **slices_of(4)),
        lambda path: np.savez(path, lesion=np.arange(3)),
        lambda path: np.savez(path, images=np.zeros((2, 32, 32)), lesion=np.arange(2)),
    ],
    ids=["a pixel", "the end", "empty", "a text", "compressed", "no images", "not 8-bit"],
)
def test_a_damaged_file_is_refused_by_patient_and_file(tmp_path, damage):
    path = tmp_path / "P7.npz"
    save_slices(slices_of(4), path)
    damage(path)
    with pytest.raises(BadPatient, match=r"patient P7: .*P7.npz is damaged .*Delete it"):
        load_slices(path)
