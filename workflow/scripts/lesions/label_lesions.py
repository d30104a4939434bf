"""One patient's mask to numbered lesions, with the reason for each that is dropped."""

import pandas as pd
import SimpleITK as sitk
from livermets.core.exclusion import attempt
from livermets.core.jobs import job
from livermets.lesions.components import COLUMNS, split_lesions

choices = ("connectivity", "diameter", "min_diameter_mm", "must_touch_liver", "fill_holes")
rule = {key: snakemake.params[key] for key in choices}


def step() -> dict:
    labelled, table, facts = split_lesions(
        sitk.ReadImage(snakemake.input.ct), sitk.ReadImage(snakemake.input.mask), **rule
    )
    sitk.WriteImage(labelled, snakemake.output.lesions, useCompression=True)
    table.to_csv(snakemake.output.table, sep="\t", index=False)
    return facts


with job(snakemake.log, f"lesions {snakemake.wildcards.patient}"):
    pd.DataFrame(columns=list(COLUMNS)).to_csv(snakemake.output.table, sep="\t", index=False)
    attempt(
        "split",
        step,
        policy="stop",
        outputs=[snakemake.output.lesions],
        record=snakemake.output.facts,
        upstream=snakemake.input.record,
    )
