"""A piece that is no liver is not called one: an empty mask, not the spleen."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from livermets.segmentation.leuven_model import LeuvenModel
from livermets.segmentation.leuven_network import LESIONS, LIVER, LeuvenUNet, middle
from livermets.segmentation.liver_plausibility import why_not_liver

LEFT, RIGHT, MIDDLE = slice(5, 25), slice(55, 75), slice(30, 50)  # x to the patient's right


def body(organ: slice, hu: float = 110.0, edge: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """A body (x, y, z) of 3 mm in air with an organ of these HU, and the organ."""
    volume = np.full((80, 60, 40), -1000.0)
    volume[2:78, 5:55] = 40.0
    piece = np.zeros(volume.shape, bool)
    piece[organ, 15 : 15 + edge, 10 : 10 + edge] = True
    volume[piece] = hu
    return piece, volume


@pytest.mark.parametrize(
    ("organ", "hu", "edge", "words"),
    [
        (RIGHT, 110.0, 20, ""),
        (RIGHT, -20.0, 20, ""),
        (MIDDLE, 110.0, 20, ""),
        (LEFT, 110.0, 34, ""),
        (LEFT, 120.0, 20, "216 ml on the patient's left, as the spleen"),
        (RIGHT, -100.0, 20, "-100 HU"),
        (RIGHT, 600.0, 20, "600 HU"),
    ],
    ids=[
        *("liver", "fatty liver", "small liver in the middle", "liver on the other side"),
        *("spleen", "fat", "bone"),
    ],
)
def test_a_piece_is_judged_by_its_side_its_volume_and_its_hu(organ, hu, edge, words):
    piece, volume = body(organ, hu, edge)
    if edge == 34:  # a whole liver in a situs inversus
        piece, volume = body(slice(5, 35), hu, edge)
        assert piece.sum() * 0.027 > 600
    said = why_not_liver(piece, volume, 3.0)
    assert words in said and bool(said) == bool(words)


@pytest.mark.parametrize(
    ("heights", "words"),
    [(slice(10, 20), "65 ml and ends within the CT"), (slice(30, 40), "")],
    ids=["below the liver", "cut through by the head border"],
)
def test_a_small_piece_is_liver_only_at_a_border_of_the_ct(heights, words):
    piece, volume = body(RIGHT)
    piece[:], volume[piece] = False, 40.0
    piece[55:75, 15:27, heights] = True
    volume[piece] = 110.0
    said = why_not_liver(piece, volume, 3.0)
    assert words in said and bool(said) == bool(words)


def test_no_piece_is_no_problem():
    piece, volume = body(RIGHT)
    assert why_not_liver(np.zeros_like(piece), volume, 3.0) == ""


class Brighter(LeuvenUNet):
    """A stand-in of a network that marks what is brighter than soft tissue."""

    def __init__(self, architecture) -> None:
        torch.nn.Module.__init__(self)
        self.architecture = architecture

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (middle(x, self.architecture.output_size) > 0.15).float()


@pytest.mark.parametrize(
    ("organ", "is_liver"), [(RIGHT, True), (LEFT, False)], ids=["right", "left"]
)
@pytest.mark.parametrize("direction", ["LPS", "RAS"])
def test_the_spleen_alone_leaves_the_mask_empty(organ, is_liver, direction, caplog):
    ct = sitk.GetImageFromArray(body(organ)[1].T.astype(np.int16))
    ct.SetSpacing((3.0, 3.0, 3.0))
    ct.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))  # x to the right, y to the front
    ct = sitk.DICOMOrient(ct, direction)
    model = LeuvenModel(
        {"liver": Brighter(LIVER), "lesion": Brighter(LESIONS)}, torch.device("cpu")
    )
    labels = model.predict(ct, np.zeros(ct.GetSize()[::-1], np.uint8)).labels
    assert labels.any() == is_liver
    assert ("as the spleen has" in caplog.text) == (not is_liver)
