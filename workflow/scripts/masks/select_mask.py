"""The mask that the study uses, on the grid of the CT, with a record of where it comes from."""

from pathlib import Path

import SimpleITK as sitk
from livermets.core.exclusion import exclude_or_stop
from livermets.core.io import write_empty
from livermets.core.jobs import job
from livermets.imaging.volumes import write_image
from livermets.masks.final_mask import final_mask, mask_before_correction, read_automatic


def step() -> dict:
    patient, params = snakemake.wildcards.scan, snakemake.params
    ct = sitk.ReadImage(snakemake.input.ct)
    models = [Path(path) for path in snakemake.input.automatic]  # empty without a model
    automatic = read_automatic(models[0], patient) if models else None
    given = Path(params.given) if params.given else None
    corrections = Path(params.corrections) if params.corrections else None
    mask, record = final_mask(
        *(patient, ct, automatic, given, corrections, params.mask_labels),
        accepted=params.accepted,
        given_type=params.given_type,
        needs_liver=params.needs_liver,
    )
    write_image(snakemake.output.mask, mask)
    before = None
    if record["source"] == "corrected":
        before = mask_before_correction(
            *(patient, ct, automatic, given, params.mask_labels, params.accepted),
            needs_liver=params.needs_liver,
        )
    if before is None:
        write_empty(snakemake.output.uncorrected)
    else:
        write_image(snakemake.output.uncorrected, before)
    return record


with job(snakemake):
    exclude_or_stop(
        "review",
        step,
        policy=snakemake.params.on_bad_patient,
        outputs=[snakemake.output.mask, snakemake.output.uncorrected],
        record=snakemake.output.record,
        upstream=snakemake.input.record,
    )
