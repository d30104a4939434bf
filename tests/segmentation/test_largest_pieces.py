"""Post-processing of nnU-Net v1: small pieces beside the largest go as the model's file says."""

import json

import numpy as np
import pytest
from livermets.segmentation.largest_pieces import read_postprocessing


def pieces() -> np.ndarray:
    """Pieces of label 1 (27, 8 and 1 voxels), of label 2 (8 beside the first, 1 alone)."""
    mask = np.zeros((12, 12, 12), np.uint8)
    mask[0:3, 0:3, 0:3] = 1
    mask[6:8, 6:8, 6:8] = 1
    mask[10, 10, 10] = 1
    mask[3:5, 0:2, 0:2] = 2
    mask[0, 11, 11] = 2
    return mask


@pytest.mark.parametrize(
    ("content", "left"),
    [
        ({"for_which_classes": []}, (36, 9)),
        ({"for_which_classes": [1]}, (27, 9)),
        ({"for_which_classes": [[1, 2]]}, (27, 8)),
        ({"for_which_classes": None}, (27, 8)),
        ({"for_which_classes": [1], "min_valid_object_sizes": "{1: 16.0}"}, (35, 9)),
        (
            {"for_which_classes": [[1, 2], 1], "min_valid_object_sizes": "{(1, 2): 4, 1: 99}"},
            (27, 8),
        ),
    ],
    ids=["nothing", "liver", "liver with lesions", "each label", "from 16 mm3", "two steps"],
)
def test_small_pieces_go_as_the_models_own_postprocessing_says(tmp_path, content, left):
    (tmp_path / "postprocessing.json").write_text(json.dumps(content))
    cleaned = read_postprocessing(tmp_path / "postprocessing.json", [1, 2]).apply(pieces(), 2.0)
    assert ((cleaned == 1).sum(), (cleaned == 2).sum()) == left


def test_a_model_without_postprocessing_keeps_every_piece(tmp_path):
    mask = pieces()
    assert (
        read_postprocessing(tmp_path / "postprocessing.json", [1, 2]).apply(mask, 1.0) == mask
    ).all()
