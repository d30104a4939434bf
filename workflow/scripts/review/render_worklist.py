"""Write the worklist of all patients for the reader."""

from pathlib import Path

from livermets.core.io import read_json
from livermets.core.jobs import job
from livermets.review.worklist import render_worklist

with job(snakemake):
    patients, labels = snakemake.params.patients, snakemake.params.labels
    checks = map(read_json, snakemake.input.findings)
    segmentations = [Path(path) for path in snakemake.input.segmentations]
    render_worklist(
        [
            {"patient": patient, "label": label, **check}
            for patient, label, check in zip(patients, labels, checks, strict=True)
        ],
        [Path(path) for path in snakemake.input.overlays],
        [[path for path in segmentations if path.name.split(".")[0] == p] for p in patients],
        Path(snakemake.output[0]),
        blind=snakemake.params.blind,
    )
