"""Compare one patient's automatic mask with the final one."""

from typing import Any

import SimpleITK as sitk
from livermets.core.exclusion import skip_if_excluded
from livermets.core.io import read_json
from livermets.core.jobs import job
from livermets.core.scan_ids import id_columns
from livermets.review.agreement import compare_masks


def step() -> dict[str, Any]:
    automatic, final = (
        sitk.ReadImage(path) for path in (snakemake.input.automatic, snakemake.input.mask)
    )
    return {
        **id_columns(snakemake.wildcards.scan),
        "source": read_json(snakemake.input.record)["source"],
        **compare_masks(automatic, final),
    }


with job(snakemake):
    skip_if_excluded(
        snakemake.input.record,
        step,
        outputs=[],
        record=snakemake.output[0],
    )
