"""What a reader should know of one patient's mask, and the mask for 3D Slicer."""

from pathlib import Path

import pandas as pd
import SimpleITK as sitk
from livermets.core.exclusion import skip_if_excluded
from livermets.core.io import read_json
from livermets.core.jobs import job
from livermets.masks.seg_nrrd import write_seg_nrrd
from livermets.review.quality_checks import look_over


def step() -> dict:
    mask = sitk.ReadImage(snakemake.input.mask)
    write_seg_nrrd(mask, Path(snakemake.output.segmentation))
    return look_over(
        sitk.ReadImage(snakemake.input.ct),
        mask,
        pd.read_csv(snakemake.input.table, sep="\t", keep_default_na=False),
        read_json(snakemake.input.facts),
        read_json(snakemake.input.record),
    )


with job(snakemake):
    skip_if_excluded(
        snakemake.input.record,
        step,
        outputs=[snakemake.output.segmentation],
        record=snakemake.output.findings,
    )
