"""Render the report as one self-contained HTML file."""

from livermets.core.io import write_text
from livermets.core.jobs import job
from livermets.report.render import render_report
from livermets.report.study_results import StudyResults

with job(snakemake):
    results = StudyResults.from_files(snakemake.params.config, dict(snakemake.input.items()))
    write_text(snakemake.output[0], render_report(results))
