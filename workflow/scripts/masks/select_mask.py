"""The mask the study uses: corrected before given before automatic, with its provenance."""

from pathlib import Path

import SimpleITK as sitk
from livermets.core.errors import BadPatient
from livermets.core.exclusion import exclude_or_stop
from livermets.core.jobs import job
from livermets.imaging.volumes import write_image
from livermets.masks.final_mask import final_mask


def step() -> dict:
    patient = snakemake.wildcards.patient
    corrections = snakemake.params.corrections  # none where the mask before correction is asked for
    automatic = snakemake.input.automatic  # a list: empty where nothing had to be segmented
    if automatic and not Path(automatic[0]).stat().st_size:
        raise BadPatient(
            patient,
            "the segmentation failed (results/logs/segment says why)",
            f"Put it right, delete {automatic[0]} and run again, or give a mask",
        )
    mask, record = final_mask(
        patient,
        sitk.ReadImage(snakemake.input.ct),
        automatic=sitk.ReadImage(automatic[0]) if automatic else None,
        given=Path(snakemake.params.given) if snakemake.params.given else None,
        corrections=corrections and Path(corrections),
        mask_labels=snakemake.params.mask_labels,
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
