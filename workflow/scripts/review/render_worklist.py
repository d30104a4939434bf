"""Write the worklist of all patients for the reader."""

from pathlib import Path

from livermets.core.io import read_json
from livermets.core.jobs import job
from livermets.review.review_tables import reviewed_by
from livermets.review.worklist import render_worklist

with job(snakemake):
    scans, labels = snakemake.params.scans, snakemake.params.labels
    checks = map(read_json, snakemake.input.findings)
    segmentations = [Path(path) for path in snakemake.input.segmentations]
    reviewed = reviewed_by(snakemake.input.decisions)
    render_worklist(
        [
            {"patient": scan, "label": label, "reviewed": reviewed.get(scan), **check}
            for scan, label, check in zip(scans, labels, checks, strict=True)
        ],
        [Path(path) for path in snakemake.input.overlays],
        [[path for path in segmentations if path.name.split(".")[0] == scan] for scan in scans],
        Path(snakemake.output[0]),
        blind=snakemake.params.blind,
    )
