"""Draw every figure of the report."""

from pathlib import Path

from livermets.cohort.cohort_table import read_cohort
from livermets.core.jobs import job
from livermets.predictions.predictions_table import read_predictions
from livermets.report.figures.all_figures import FigureData, draw_figures
from livermets.report.paper_tables import read_table
from livermets.report.study_results import read_histories

TABLES = ("metrics", "confusion", "splits", "subgroups", "by_size")
SETTINGS = (
    *("schemes", "classes", "positive", "primary", "threshold", "target_prevalence"),
    *("seed", "min_diameter_mm"),
)
with job(snakemake):
    predictions = [Path(path) for path in snakemake.input.predictions]
    data = FigureData(
        predictions=read_predictions(predictions, snakemake.params.classes),
        cohort=read_cohort(snakemake.input.cohort),
        slices=[Path(path) for path in snakemake.input.slices] or None,
        from_features=snakemake.params.from_features,
        scans=next(map(read_cohort, snakemake.input.scans), None),
        training=read_histories(snakemake.input.training),
        **{name: read_table(snakemake.input[name]) for name in TABLES},
        **{name: snakemake.params[name] for name in SETTINGS},
    )
    draw_figures(Path(snakemake.output[0]).parent, data)
