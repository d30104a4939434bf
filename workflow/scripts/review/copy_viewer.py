"""Put the viewer beside the review pages."""

from pathlib import Path

from livermets.core.jobs import job
from livermets.review.viewer_file import copy_viewer

with job(snakemake):
    copy_viewer(Path(snakemake.output[0]))
