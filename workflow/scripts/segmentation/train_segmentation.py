"""An nnU-Net of one's own, from the cohort's masks."""

from pathlib import Path

from livermets.core.exclusion import exclusion_of
from livermets.core.jobs import job
from livermets.masks.labels import LABEL_VALUES
from livermets.segmentation.training import train

with job(snakemake):
    parts = (snakemake.params.patients, snakemake.input.cts, snakemake.input.masks)
    cases = [
        (patient, Path(ct), Path(mask))
        for patient, ct, mask, record in zip(*parts, snakemake.input.records, strict=True)
        if not exclusion_of(record)
    ]
    train(
        cases,
        LABEL_VALUES,
        Path(snakemake.params.workdir),
        Path(snakemake.output[0]),
        seed=snakemake.params.seed,
        threads=snakemake.threads,
        **snakemake.params.settings,
    )
