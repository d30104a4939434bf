"""Reconstruction kernels for lung and bone, by the names that makers give them."""

import pytest
from livermets.imaging.reconstruction_kernel import is_sharp

SHARP = ["B70f", "I70f", "B80s", "Br64", "Bl57", "Bl57f/3", "Hr60", "FC51", "FC30", "FC81", "LUNG"]
SHARP += ["BONEPLUS", "EDGE", "YB", "L"]
SOFT = ["B30f", "I30f", "B31s", "Br40d", "Bf37f/2", "Qr36", "D30s", "FC08", "FC18-H", "FC13"]
SOFT += ["STANDARD", "SOFT", "B", "C", "UB", "", None, "unheard-of"]


@pytest.mark.parametrize("kernel", SHARP, ids=str)
def test_kernels_for_lung_and_bone_are_sharp(kernel):
    assert is_sharp(kernel)


@pytest.mark.parametrize("kernel", SOFT, ids=str)
def test_kernels_for_soft_tissue_and_unknown_ones_are_not(kernel):
    assert not is_sharp(kernel)
