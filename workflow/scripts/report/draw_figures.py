"""Every figure of the report."""

from pathlib import Path

from livermets.core.jobs import job
from livermets.report.figures.all_figures import draw_figures

study = ("schemes", "classes", "positive", "threshold", "seed", "min_diameter_mm", "from_features")
with job(snakemake):
    draw_figures(
        Path(snakemake.output[0]).parent,
        predictions=[Path(path) for path in snakemake.input.predictions],
        metrics=snakemake.input.metrics,
        confusion=snakemake.input.confusion,
        cohort=snakemake.input.cohort,
        splits=snakemake.input.splits,
        slices=[Path(path) for path in snakemake.input.slices] or None,
        **{key: snakemake.params[key] for key in study},
    )
