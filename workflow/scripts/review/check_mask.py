"""What a reader should know of one patient's mask, and the mask for 3D Slicer."""

from pathlib import Path

import pandas as pd
import SimpleITK as sitk
from livermets.core.exclusion import attempt
from livermets.core.jobs import job, read_json
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


with job(snakemake.log, f"look over {snakemake.wildcards.patient}"):
    attempt(
        "look over",
        step,
        policy="stop",
        outputs=[snakemake.output.segmentation],
        record=snakemake.output.findings,
        upstream=snakemake.input.record,
    )
