"""A segmentation model from where it is published."""

from pathlib import Path

from livermets.fetch import fetch
from livermets.runtime import job

with job(snakemake.log, f"fetch {snakemake.params.name}"):
    fetch(
        snakemake.params.url,
        snakemake.params.sha256,
        Path(snakemake.output[0]),
        snakemake.params.name,
    )
