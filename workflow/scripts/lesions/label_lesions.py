"""Number and measure the lesions of one patient's mask."""

from pathlib import Path
from typing import Any

import pandas as pd
import SimpleITK as sitk
from livermets.core.exclusion import skip_if_excluded
from livermets.core.io import read_json, write_empty, write_table
from livermets.core.jobs import job
from livermets.imaging.volumes import write_image
from livermets.lesions.components import COLUMNS, label_lesions
from livermets.lesions.numbering import keep_numbers
from livermets.review.decisions import read_readings
from livermets.review.settled_review import apply_readings

KEYS = ("connectivity", "diameter", "min_diameter_mm", "must_touch_liver", "fill_holes")


def step() -> dict[str, Any]:
    ct = sitk.ReadImage(snakemake.input.ct)
    settings = {key: snakemake.params[key] for key in KEYS}
    labelled, table, measurements = label_lesions(
        ct,
        sitk.ReadImage(snakemake.input.mask),
        *map(sitk.ReadImage, snakemake.input.probability),
        **settings,
    )
    if Path(snakemake.input.uncorrected).stat().st_size:  # empty where no reader corrected the mask
        before = label_lesions(ct, sitk.ReadImage(snakemake.input.uncorrected), **settings)
        labelled, table = keep_numbers(labelled, table, before[0], before[1])
    labelled, table, measurements, removed = apply_readings(
        read_readings(snakemake.input.reviews, snakemake.wildcards.scan),
        *(labelled, table, measurements),
        read_json(snakemake.input.record)["sha256"],
    )
    write_image(snakemake.output.lesions, labelled)
    if removed:
        write_image(snakemake.output.removed, removed)
    write_table(snakemake.output.table, table)
    return measurements


with job(snakemake):
    write_table(snakemake.output.table, pd.DataFrame(columns=list(COLUMNS)))
    write_empty(snakemake.output.removed)
    skip_if_excluded(
        snakemake.input.record,
        step,
        outputs=[snakemake.output.lesions],
        record=snakemake.output.measurements,
    )
