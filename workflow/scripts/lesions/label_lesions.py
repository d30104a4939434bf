"""One patient's mask to numbered lesions, with the reason for each that is dropped."""

import pandas as pd
import SimpleITK as sitk
from livermets.core.exclusion import skip_if_excluded
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.imaging.volumes import write_image
from livermets.lesions.components import COLUMNS, split_lesions

choices = ("connectivity", "diameter", "min_diameter_mm", "must_touch_liver", "fill_holes")
rule = {key: snakemake.params[key] for key in choices}


def step() -> dict:
    labelled, table, facts = split_lesions(
        sitk.ReadImage(snakemake.input.ct), sitk.ReadImage(snakemake.input.mask), **rule
    )
    write_image(snakemake.output.lesions, labelled)
    write_table(snakemake.output.table, table)
    return facts


with job(snakemake):
    write_table(snakemake.output.table, pd.DataFrame(columns=list(COLUMNS)))
    skip_if_excluded(
        snakemake.input.record,
        step,
        outputs=[snakemake.output.lesions],
        record=snakemake.output.facts,
    )
