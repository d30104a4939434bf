"""The largest connected piece of a mask."""

import numpy as np
from livermets.imaging.connected_pieces import largest_piece


def test_of_two_pieces_the_larger_one_is_kept():
    mask = np.zeros((4, 10, 10), bool)
    mask[:2, :2, :2] = mask[1:4, 4:9, 4:9] = True
    piece = largest_piece(mask)
    assert piece.sum() == 75
    assert piece[1:4, 4:9, 4:9].all()
    assert not largest_piece(np.zeros((2, 2, 2), bool)).any()


def test_voxels_that_share_a_corner_are_connected_on_request_alone():
    mask = np.eye(5, dtype=bool)[None]
    assert largest_piece(mask).sum() == 1
    assert largest_piece(mask, np.ones((3, 3, 3))).sum() == 5
