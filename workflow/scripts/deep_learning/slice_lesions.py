"""Draw one patient's lesion slices for DenseNet-121."""

from pathlib import Path

import SimpleITK as sitk
from livermets.core.exclusion import skip_if_excluded
from livermets.core.jobs import job
from livermets.deep_learning.lesion_slices import lesion_slices, save_slices

KEYS = (
    *("width", "level", "size", "max_per_lesion"),
    *("margin_mm", "side_mm", "surroundings", "neighbours"),
)
settings = {key: snakemake.params[key] for key in KEYS}


def step() -> None:
    slices = lesion_slices(
        sitk.ReadImage(snakemake.input.ct), sitk.ReadImage(snakemake.input.lesions), **settings
    )
    save_slices(slices, Path(snakemake.output[0]))


with job(snakemake):
    skip_if_excluded(
        snakemake.input.record,
        step,
        outputs=snakemake.output,
    )
