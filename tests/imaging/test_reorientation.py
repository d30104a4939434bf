"""Arrays turned back to the axes of the CT that they were computed from."""

import numpy as np
import pytest
import SimpleITK as sitk
from livermets.imaging.geometry import same_grid
from livermets.imaging.reorientation import image_like, lay_back


@pytest.mark.parametrize("stored", ["LPS", "RAS", "PIR"])
@pytest.mark.parametrize("wanted", ["LPS", "RAS", "SAL"])
def test_an_array_of_the_reoriented_ct_comes_back_as_the_ct_lies(stored, wanted):
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    ct = sitk.GetImageFromArray(values)
    ct.SetSpacing((1.0, 2.0, 3.0))
    ct.SetOrigin((-10.0, 7.0, 3.0))
    ct = sitk.DICOMOrient(ct, stored)
    turned = sitk.DICOMOrient(ct, wanted)
    back = lay_back(sitk.GetArrayFromImage(turned), turned, ct)
    assert np.array_equal(back, sitk.GetArrayFromImage(ct))
    assert same_grid(image_like(back, ct), ct)
