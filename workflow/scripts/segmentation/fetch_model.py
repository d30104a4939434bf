"""A segmentation model from where it is published."""

from pathlib import Path

from livermets.core.jobs import job
from livermets.segmentation.model_download import fetch

with job(snakemake):
    fetch(
        snakemake.params.url,
        snakemake.params.sha256,
        Path(snakemake.output[0]),
        snakemake.params.name,
    )
