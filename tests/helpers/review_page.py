"""The review page of a small scan with two lesions, beside its viewer and its still picture."""

from pathlib import Path

from helpers.ct_images import ct_and_mask, edited
from livermets.lesions.components import label_lesions
from livermets.review.overlay import draw_overlay
from livermets.review.quality_checks import check_mask
from livermets.review.review_page import write_review_page
from livermets.review.viewer_file import copy_viewer
from livermets.review.volume_packing import pack_scan

RECORD = {"source": "corrected", "correction": None, "geometry": "equal", "original_grid": None,
          "dice_liver": 1.0, "dice_lesion": 1.0}  # fmt: skip


def write_patient_page(folder: Path) -> Path:
    """Write the page of P01, whose automatic mask lacks one of both lesions; returns its path."""
    ct, mask = ct_and_mask()
    labelled, table, measured = label_lesions(ct, mask)
    findings = check_mask(ct, mask, table, measured, RECORD, {"phase": None, "orientation": "LPS"})

    def without_a_lesion(labels):
        labels[8:11, 20:26, 20:26] = 1

    packed = pack_scan(ct, mask, labelled, edited(mask, without_a_lesion))
    page = folder / "P01.view.html"
    write_review_page(page, "P01", packed, table, findings, "sha", True, "reviews")
    copy_viewer(folder / "niivue.umd.js")
    draw_overlay(ct, mask, labelled, folder / "P01.png", "P01")
    return page
