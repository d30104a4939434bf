"""Review page of one scan: a viewer of CT and masks, and the form for the reader's decisions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import SimpleITK as sitk

from livermets.core.io import write_text
from livermets.core.scan_ids import in_words
from livermets.core.templating import render
from livermets.review.lesion_order import surest_first
from livermets.review.volume_packing import COARSE_STEP, FINE, FINE_STEP, PackedScan, page_facts

TEMPLATES = Path(__file__).parent / "templates"
VERSION = 1  # of the files that the page saves, as in review.schema.json
CENTROID = ("x_mm", "y_mm", "z_mm")


def write_review_page(
    path: Path,
    scan: str,
    packed: PackedScan,
    lesions: pd.DataFrame,
    findings: Mapping[str, Any],
    mask_sha256: str,
    oriented: bool,
    reviews: str,
    label: str | None = None,
) -> None:
    """Write the page, which needs the viewer beside it and no network.

    What other readers decided is not on it, so that each reader decides alone.

    Parameters
    ----------
    path : Path
        The page.
    scan : str
        Id of the scan.
    packed : PackedScan
        CT and masks.
    lesions : pandas.DataFrame
        The table of the scan's lesions, with those that readers removed.
    findings : mapping
        The result of `quality_checks.check_mask`.
    mask_sha256 : str
        Hash of the mask, which goes into the saved file.
    oriented : bool
        Whether the file of the CT says how its axes lie in the patient.
    reviews : str
        The folder of reviews, as the page names it.
    label : str, optional
        The class, in a study whose review is not blind.
    """
    listed = list_lesions(lesions, packed)
    shown = [row for row in listed if row["box"]]
    facts = {
        "version": VERSION,
        "scan": scan,
        "mask_sha256": mask_sha256,
        "oriented": oriented,
        "lesions": shown,
        **page_facts(packed),
    }
    page = render(
        TEMPLATES,
        "review_page.html.j2",
        scan=scan,
        title=in_words(scan),
        label=label,
        facts=facts,
        volumes=packed.volumes,
        lesions=shown,
        dropped=[row for row in listed if not row["box"]],
        findings=findings,
        oriented=oriented,
        reviews=reviews,
        done=describe_packing(packed),
    )
    write_text(path, page)


def list_lesions(lesions: pd.DataFrame, packed: PackedScan) -> list[dict[str, Any]]:
    """List the lesions for the page, with the box and the centre of those that a reader decides on.

    They stand in the order of `surest_first`. The centre is a place in the lesion, in mm (RAS); box
    and centre are None for a lesion that was dropped for its size or place.
    """
    rows = []
    for row in surest_first(lesions).to_dict("records"):
        number = int(row["lesion"])
        probability = float(row["model_probability"])
        place = packed.places.get(number)
        rows.append(
            {
                "lesion": number,
                **{key: float(row[key]) for key in ("volume_ml", "diameter_mm", "mean_hu")},
                **{key: float(row[key]) for key in CENTROID},
                "probability": None if np.isnan(probability) else probability,
                "reason": "" if place else str(row["reason"]),
                **(place or {"box": None, "centre": None}),
            }
        )
    return rows


def describe_packing(packed: PackedScan) -> list[str]:
    """Say what was done to the CT so that the page is small, in sentences."""
    low, high = FINE
    sentences = [
        "The CT is cropped to the liver with a margin.",
        f"HU are rounded to steps of {FINE_STEP} between {low} and {high} HU, and to steps of "
        f"{COARSE_STEP} outside.",
    ]
    if packed.slices_averaged > 1:
        mm = packed.spacing_mm[2]
        sentences.append(
            f"Each slice is the mean of {packed.slices_averaged} slices of the CT ({mm:.1f} mm)."
        )
    if packed.voxels_averaged > 1:
        mm = packed.spacing_mm[0]
        n = packed.voxels_averaged
        sentences.append(f"Each pixel is the mean of {n} × {n} pixels of the CT ({mm:.1f} mm).")
    sentences.append("The study itself uses the CT as it is.")
    return sentences


def removed_and_kept(lesions: sitk.Image, removed: sitk.Image | None) -> sitk.Image:
    """The numbers of the lesions that are kept and of those that readers removed, in one image."""
    return lesions if removed is None else sitk.Maximum(lesions, removed)
