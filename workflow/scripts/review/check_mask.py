"""Check one patient's mask for the worklist, and write it for 3D Slicer."""

from pathlib import Path
from typing import Any

import pandas as pd
import SimpleITK as sitk
from livermets.core.exclusion import skip_if_excluded
from livermets.core.io import read_json
from livermets.core.jobs import job
from livermets.masks.seg_nrrd import write_seg_nrrd
from livermets.review.quality_checks import check_mask


def step() -> dict[str, Any]:
    mask = sitk.ReadImage(snakemake.input.mask)
    write_seg_nrrd(mask, Path(snakemake.output.segmentation))
    return check_mask(
        sitk.ReadImage(snakemake.input.ct),
        mask,
        pd.read_csv(snakemake.input.table, sep="\t"),
        read_json(snakemake.input.measurements),
        read_json(snakemake.input.record),
        read_json(snakemake.input.acquisition),
    )


with job(snakemake):
    skip_if_excluded(
        snakemake.input.record,
        step,
        outputs=[snakemake.output.segmentation],
        record=snakemake.output.findings,
    )
