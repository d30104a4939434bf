"""The volumes of a review page: as small as they must be, and true to what they say."""

import base64
import gzip

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_and_mask
from livermets.lesions.components import label_lesions
from livermets.review.volume_packing import (
    FINE,
    FINE_STEP,
    LEVELS,
    PackedScan,
    levels_of,
    pack_scan,
)


def unpacked(packed: PackedScan) -> dict[str, np.ndarray]:
    """What the page makes of the volumes, as arrays (z, y, x)."""
    bytes_of = {
        name: np.frombuffer(gzip.decompress(base64.b64decode(text)), np.uint8)
        for name, text in packed.volumes.items()
    }
    volumes = {name: values.reshape(packed.shape[::-1]) for name, values in bytes_of.items()}
    return volumes | {"ct": LEVELS[levels_from(volumes["ct"])]}


def levels_from(differences: np.ndarray) -> np.ndarray:
    """The levels, voxel by voxel as the page unpacks them."""
    levels = np.zeros([side + (axis > 0) for axis, side in enumerate(differences.shape)], int)
    for z, y, x in np.ndindex(differences.shape):  # levels begin with a row and a column of 0
        left, above, corner = levels[z, y + 1, x], levels[z, y, x + 1], levels[z, y, x]
        middle = sorted((left, above, left + above - corner))[1]
        levels[z, y + 1, x + 1] = (middle + differences[z, y, x]) % 256
    return levels[:, 1:, 1:]


def packed_with_truth(limit=10_000_000, direction=(1, 0, 0, 0, 1, 0, 0, 0, 1)):
    ct, mask = ct_and_mask(direction)
    labelled, table, _ = label_lesions(ct, mask)
    return pack_scan(ct, mask, labelled, mask, limit), ct, mask, labelled, table


@pytest.mark.parametrize(
    "direction",
    [(1, 0, 0, 0, 1, 0, 0, 0, 1), (-1, 0, 0, 0, 0, 1, 0, 1, 0)],
    ids=["axial", "coronal and flipped"],
)
def test_every_voxel_has_the_hu_and_the_label_of_the_ct_at_its_place(direction):
    packed, ct, mask, labelled, _ = packed_with_truth(direction=direction)
    volumes, affine = unpacked(packed), np.array(packed.affine)
    rng = np.random.default_rng(1)
    for voxel in rng.integers(0, packed.shape, (300, 3)):
        ras = affine @ [*voxel, 1]
        index = ct.TransformPhysicalPointToIndex((-ras[0], -ras[1], ras[2]))
        place = tuple(int(i) for i in voxel[::-1])
        hu = ct[index]
        assert FINE[0] <= hu <= FINE[1]
        assert abs(int(volumes["ct"][place]) - hu) <= FINE_STEP / 2
        expected = 2 + labelled[index] if labelled[index] else min(mask[index], 2)
        assert volumes["mask"][place] == expected
        assert volumes["automatic"][place] == mask[index]
    assert (volumes["mask"] > 0).sum() == (sitk.GetArrayFromImage(mask) > 0).sum()


def test_the_headers_are_those_of_nifti_files(tmp_path):
    packed, ct, *_ = packed_with_truth()
    file = tmp_path / "ct.nii"
    file.write_bytes(base64.b64decode(packed.headers["int16"]) + unpacked(packed)["ct"].tobytes())
    image = nib.load(file)
    assert image.shape == packed.shape
    assert np.allclose(image.affine, packed.affine, atol=1e-4)
    assert np.allclose(image.header.get_zooms(), sorted(ct.GetSpacing()), atol=1e-4)


def test_the_place_of_a_lesion_lies_in_it():
    packed, ct, _, labelled, table = packed_with_truth()
    for row in table.to_dict("records"):
        place = packed.places[row["lesion"]]
        x, y, z = place["centre"]
        assert labelled[ct.TransformPhysicalPointToIndex((-x, -y, z))] == row["lesion"]
        low, high = np.sort(place["box"], axis=0)
        size_ml = np.prod(high - low) / 1000
        assert size_ml == pytest.approx(row["volume_ml"], rel=1e-6)  # the lesions are boxes


def test_hu_are_rounded_to_the_nearest_level():
    hu = np.arange(-3100, 3100)
    nearest = np.abs(np.clip(hu, -1024, 1136)[:, None] - LEVELS.astype(int)).min(axis=1)
    assert (np.abs(np.clip(hu, -1024, 1136) - LEVELS[levels_of(hu)]) == nearest).all()
    assert len(LEVELS) == 256 and (np.diff(LEVELS) > 0).all()


def test_a_page_that_would_be_too_large_averages_slices_then_pixels_and_says_so():
    whole = packed_with_truth()[0]
    size = sum(map(len, whole.volumes.values())) * 3 // 4
    assert (whole.slices_averaged, whole.voxels_averaged) == (1, 1)
    packed, ct, *_ = packed_with_truth(limit=size // 3)
    assert packed.voxels_averaged == 2
    volumes = unpacked(packed)
    assert set(np.unique(volumes["mask"])) == {0, 1, 3, 4}
    n, m = packed.slices_averaged, packed.voxels_averaged
    assert np.allclose(packed.spacing_mm, np.array(ct.GetSpacing()) * [m, m, n])
    voxel = np.array(packed.shape) // 2
    ras = np.array(packed.affine) @ [*voxel, 1]
    middle = ct.TransformPhysicalPointToContinuousIndex((-ras[0], -ras[1], ras[2]))
    low = [round(at - (size - 1) / 2) for at, size in zip(middle, (m, m, n), strict=True)]
    x, y, z = (slice(at, at + size) for at, size in zip(low, (m, m, n), strict=True))
    mean = sitk.GetArrayFromImage(ct)[z, y, x].mean()
    assert volumes["ct"][tuple(voxel[::-1])] == pytest.approx(mean, abs=FINE_STEP / 2)


def test_a_lesion_of_one_voxel_does_not_vanish_among_averaged_voxels():
    labels = np.ones((9, 40, 40), np.uint8)
    labels[4, 7, 7] = 2
    mask = sitk.GetImageFromArray(labels)
    mask.SetSpacing((1, 1, 1))
    numbers = sitk.Cast(mask == 2, sitk.sitkUInt16) * 7
    noise = np.random.default_rng(0).normal(100, 20, labels.shape).astype(np.int16)
    ct = sitk.GetImageFromArray(noise)
    packed = pack_scan(ct, mask, numbers, limit=1000)
    assert packed.voxels_averaged > 1
    assert (unpacked(packed)["mask"] == 3).any() and list(packed.places) == [7]


def test_a_mask_without_anything_shows_the_whole_ct():
    ct, mask = ct_and_mask()
    nothing = mask * 0
    packed = pack_scan(ct, nothing, nothing)
    assert packed.shape == ct.GetSize() and packed.places == {}


@pytest.mark.slow
def test_the_page_of_a_ct_of_400_slices_stays_below_6_mb():
    shape = (400, 512, 512)
    rng = np.random.default_rng(0)
    z, y, x = np.ogrid[:400, :512, :512]
    liver = ((z - 250) / 100.0) ** 2 + ((y - 230) / 130.0) ** 2 + ((x - 190) / 150.0) ** 2 <= 1
    hu = np.full(shape, 40, np.int16)
    hu[140:360, 80:380, 20:360] += rng.normal(0, 18, (220, 300, 340)).astype(np.int16)
    hu[liver] += 65
    mask = sitk.GetImageFromArray(liver.astype(np.uint8))
    ct = sitk.GetImageFromArray(hu)
    for image in (ct, mask):
        image.SetSpacing((0.75, 0.75, 1.0))
    packed = pack_scan(ct, mask, mask * 0, mask)
    page = 60_000 + sum(map(len, packed.volumes.values()))  # text and code take 45 kB
    assert page < 6_000_000
    assert packed.voxels_averaged == 1
