"""List the CT slices of the cohort, for studies that use the model trained on it."""

from pathlib import Path

from livermets.audit.segmentation_training import training_slices
from livermets.core.io import read_json_files, write_text
from livermets.core.jobs import job

with job(snakemake):
    paths = [path for path in snakemake.input if Path(path).stat().st_size]
    write_text(snakemake.output[0], training_slices(read_json_files(paths)))
