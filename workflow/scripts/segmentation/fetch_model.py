"""Download one segmentation model."""

from pathlib import Path

from livermets.core.jobs import job
from livermets.segmentation.model_download import download_model

with job(snakemake):
    download_model(
        snakemake.params.url,
        snakemake.params.sha256,
        Path(snakemake.output[0]),
        snakemake.params.name,
    )
