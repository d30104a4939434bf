"""The report: one file that opens anywhere."""

from pathlib import Path

from livermets.core.jobs import job
from livermets.report.render import render_report

tables = ("cohort", "splits", "metrics", "differences", "confusion", "importance", "audit")
with job(snakemake):
    render_report(
        snakemake.output[0],
        config=snakemake.params.config,
        figures=Path(snakemake.input.figures[0]).parent,
        chosen=snakemake.input.chosen,
        shuffled=snakemake.input.shuffled or None,
        masks=Path(snakemake.input.masks[0]).parent if snakemake.input.masks else None,
        features=snakemake.input.features or None,
        dictionary=snakemake.input.dictionary or None,
        robustness=tuple(snakemake.input.robustness) or None,
        agreement=snakemake.input.agreement or None,  # none where the study starts from features
        **{name: snakemake.input[name] for name in tables},
    )
