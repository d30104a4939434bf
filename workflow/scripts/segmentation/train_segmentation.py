"""Train an nnU-Net v2 model on the masks of the cohort."""

from pathlib import Path

from livermets.core.exclusion import exclusion_of
from livermets.core.jobs import job
from livermets.masks.labels import LABEL_VALUES
from livermets.segmentation.training import TrainingSettings, train

with job(snakemake):
    files = (snakemake.params.scans, snakemake.input.cts, snakemake.input.masks)
    cases = [
        (scan, Path(ct), Path(mask))
        for scan, ct, mask, record in zip(*files, snakemake.input.records, strict=True)
        if not exclusion_of(record)
    ]
    settings = dict(snakemake.params.settings)
    device = settings.pop("device")
    train(
        cases,
        LABEL_VALUES,
        Path(snakemake.params.workdir),
        Path(snakemake.output[0]),
        TrainingSettings(seed=snakemake.params.seed, **settings),
        device=device,
        threads=snakemake.threads,
    )
