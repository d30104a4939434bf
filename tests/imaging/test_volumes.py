"""Images as files: written whole or not at all, and DICOM told from other files."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_of
from helpers.dicom_series import volume, write_series
from livermets.imaging.volumes import is_dicom, write_image


@pytest.mark.parametrize("name", ["ct.nii.gz", "mask.seg.nrrd"])
def test_an_image_is_written_compressed_in_the_format_of_its_ending(tmp_path, name):
    zeros = ct_of(np.zeros((20, 30, 40), np.int16))
    write_image(tmp_path / name, zeros)
    assert (tmp_path / name).stat().st_size < 2000
    assert (sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / name)) == 0).all()


def test_a_write_that_breaks_off_leaves_the_earlier_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "mask.nii.gz"
    write_image(path, ct_of(volume()))
    before = path.read_bytes()

    def break_off(image: sitk.Image, unfinished: str, **_: bool) -> None:
        Path(unfinished).write_bytes(before[:100])
        raise RuntimeError("no space left on device")

    monkeypatch.setattr(sitk, "WriteImage", break_off)
    with pytest.raises(RuntimeError, match="no space"):
        write_image(path, ct_of(volume(seed=1)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_dicom_is_told_by_its_preamble(tmp_path):
    assert is_dicom(next(write_series(tmp_path / "ct", volume()).iterdir()))
    write_image(tmp_path / "ct.nrrd", ct_of(volume()))
    assert not is_dicom(tmp_path / "ct.nrrd")
