"""The reader's worklist of all patients."""

from pathlib import Path

from livermets.core.io import read_json
from livermets.core.jobs import job
from livermets.review.worklist import render_worklist

with job(snakemake):
    names = zip(snakemake.params.patients, snakemake.params.labels, strict=True)
    findings = zip(names, map(read_json, snakemake.input.findings), strict=True)
    opened = [Path(path) for path in snakemake.input.segmentations]
    render_worklist(
        [{"patient": patient, "label": label, **found} for (patient, label), found in findings],
        [Path(path) for path in snakemake.input.overlays],
        [
            [path for path in opened if path.name.split(".")[0] == patient]
            for patient in snakemake.params.patients
        ],
        Path(snakemake.output[0]),
    )
