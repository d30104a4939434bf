"""The mask the study uses: corrected before given before automatic, with its provenance."""

from pathlib import Path

import SimpleITK as sitk
from livermets.exclusion import attempt
from livermets.masks import final_mask
from livermets.runtime import job


def step() -> dict:
    automatic = snakemake.input.automatic  # a list: empty where nothing had to be segmented
    mask, record = final_mask(
        snakemake.wildcards.patient,
        sitk.ReadImage(snakemake.input.ct),
        automatic=sitk.ReadImage(automatic[0]) if automatic else None,
        given=Path(snakemake.params.given) if snakemake.params.given else None,
        corrections=Path(snakemake.params.corrections),
        mask_labels=snakemake.params.mask_labels,
    )
    sitk.WriteImage(mask, snakemake.output.mask, useCompression=True)
    return record


with job(snakemake.log, f"mask {snakemake.wildcards.patient}"):
    attempt(
        "review",
        step,
        policy=snakemake.params.on_bad_patient,
        outputs=[snakemake.output.mask],
        record=snakemake.output.record,
        upstream=snakemake.input.record,
    )
