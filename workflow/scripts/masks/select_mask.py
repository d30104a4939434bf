"""The mask that the study uses, on the grid of the CT, with a record of where it comes from."""

from pathlib import Path

import SimpleITK as sitk
from livermets.core.exclusion import exclude_or_stop
from livermets.core.jobs import job
from livermets.imaging.volumes import write_image
from livermets.masks.final_mask import final_mask, read_automatic


def step() -> dict:
    patient, params = snakemake.wildcards.patient, snakemake.params
    automatic = [Path(path) for path in snakemake.input.automatic]  # empty without a model
    mask, record = final_mask(
        patient,
        sitk.ReadImage(snakemake.input.ct),
        automatic=read_automatic(automatic[0], patient) if automatic else None,
        given=Path(params.given) if params.given else None,
        corrections=Path(params.corrections) if params.corrections else None,
        mask_labels=params.mask_labels,
    )
    write_image(snakemake.output.mask, mask)
    return record


with job(snakemake):
    exclude_or_stop(
        "review",
        step,
        policy=snakemake.params.on_bad_patient,
        outputs=[snakemake.output.mask],
        record=snakemake.output.record,
        upstream=snakemake.input.record,
    )
