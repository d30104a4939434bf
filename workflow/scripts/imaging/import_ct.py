"""One patient's CT to int16 HU on its original grid, with its acquisition facts."""

from pathlib import Path

import SimpleITK as sitk
from livermets.core.errors import NotIncluded
from livermets.core.exclusion import attempt
from livermets.core.jobs import job
from livermets.imaging.ct import import_ct
from livermets.imaging.inclusion import unmet


def step() -> dict:
    patient = snakemake.wildcards.patient
    tilted = snakemake.params.resample_tilt
    image, facts = import_ct(Path(snakemake.params.source), patient, tilted)
    if reasons := unmet(facts, snakemake.params.inclusion):
        raise NotIncluded(patient, "; ".join(reasons), "Change `inclusion` to include this CT")
    sitk.WriteImage(image, snakemake.output.ct, useCompression=True)
    return facts


with job(snakemake.log, f"import {snakemake.wildcards.patient}"):
    attempt(
        "import",
        step,
        policy=snakemake.params.on_bad_patient,
        outputs=[snakemake.output.ct],
        record=snakemake.output.record,
    )
