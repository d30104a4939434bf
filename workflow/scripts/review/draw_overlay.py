"""Draw one patient's mask over the CT."""

import SimpleITK as sitk
from livermets.core.exclusion import skip_if_excluded
from livermets.core.io import read_json
from livermets.core.jobs import job
from livermets.core.scan_ids import in_words
from livermets.review.overlay import draw_overlay


def step() -> None:
    draw_overlay(
        sitk.ReadImage(snakemake.input.ct),
        sitk.ReadImage(snakemake.input.mask),
        sitk.ReadImage(snakemake.input.lesions),
        snakemake.output[0],
        title=in_words(snakemake.wildcards.scan),
        oriented=read_json(snakemake.input.acquisition)["orientation"] is not None,
    )


with job(snakemake):
    skip_if_excluded(
        snakemake.input.record,
        step,
        outputs=snakemake.output,
    )
