"""Crops: the file that the jobs of single lesions read has the values of the whole CT."""

import tracemalloc

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.lesion_images import write_lesion_images
from helpers.one_lesion import extract_lesion
from livermets.core.errors import BadInput
from livermets.radiomics.crops import read_crops, write_crops
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_files import REASON
from livermets.radiomics.regions import Region

DEFAULT = {"binWidth": 25}
FEW = ["firstorder", "shape", "glcm"]
SETS = {
    "original": {},
    "shuffled": {"shuffle": True, "seed": 5},
    "isotropic": {"settings": {"resampledPixelSpacing": [1.5, 1.5, 1.5]}},
    "flat": {"settings": {"minimumROIDimensions": 3}},
    "log": {"filter": "log", "sigma_mm": [1.0]},
    "ring": {"region": "ring", "width_mm": 4.0},
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A noisy CT, five balls and a single voxel in it, and the mask with the liver around them."""
    folder = tmp_path_factory.mktemp("images")
    write_lesion_images(folder)
    return folder


def read(folder):
    return [sitk.ReadImage(str(folder / f"{name}.nii.gz")) for name in ("ct", "lesions", "mask")]


def test_a_lesion_from_the_crops_has_the_values_of_the_whole_ct_to_the_last_bit(images, tmp_path):
    ct, labelled, mask = read(images)
    files = [images / f"{name}.nii.gz" for name in ("ct", "lesions", "mask")]
    extractor = LesionExtractor(DEFAULT, FEW, SETS)
    extractor.crop_files(*files, tmp_path / "crops.npz")
    for lesion in (1, 5, 6):
        row = extractor.extract_crop_file(tmp_path / "crops.npz", lesion)
        whole = extract_lesion(ct, labelled, lesion, DEFAULT, FEW, SETS, mask)
        np.testing.assert_equal(row, whole)
        assert any(np.isfinite(v) for k, v in row.items() if k.startswith("ring_"))
    assert "isotropic: all features: ValueError: mask only contains 1 segmented" in row[REASON]
    extractor.crop_files(*files, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "crops.npz").read_bytes()


def test_why_a_set_has_no_voxels_comes_through_the_file(tmp_path):
    write_crops(tmp_path / "crops.npz", [(3, {"ring": "ValueError: there is none"})])
    assert read_crops(tmp_path / "crops.npz", 3) == {"ring": "ValueError: there is none"}
    assert read_crops(tmp_path / "crops.npz", 4) == {}


def test_a_lesion_that_was_not_cropped_is_refused_by_number(images, tmp_path):
    extractor = LesionExtractor({}, FEW)
    extractor.crop_files(images / "ct.nii.gz", images / "lesions.nii.gz", None, tmp_path / "c.npz")
    with pytest.raises(BadInput, match=r"c.npz holds lesions \[1, 2, 3, 4, 5, 6\], not 7"):
        extractor.extract_crop_file(tmp_path / "c.npz", 7)


def test_memory_does_not_grow_with_the_number_of_lesions(tmp_path):
    def crops(number):
        for lesion in range(1, number + 1):
            image = np.full((50, 100, 100), lesion, np.int16)  # 1 MB, and half of it for the mask
            yield lesion, {"original": Region(image, image > 0, (1.0, 1.0, 1.0), 0)}

    peaks = []
    for number in (2, 40):
        tracemalloc.start()
        write_crops(tmp_path / "crops.npz", crops(number))
        read_crops(tmp_path / "crops.npz", number)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_a_job_killed_while_cropping_leaves_no_file(tmp_path):
    def killed():
        image = np.ones((3, 3, 3), np.int16)
        yield 1, {"original": Region(image, image > 0, (1.0, 1.0, 1.0), 0)}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_crops(tmp_path / "crops.npz", killed())
    assert not list(tmp_path.iterdir())
