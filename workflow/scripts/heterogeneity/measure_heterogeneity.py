"""Measure how unlike the lesions of each patient are, and compare the classes."""

from pathlib import Path

import pandas as pd
from livermets.core.io import write_json, write_table
from livermets.core.jobs import job
from livermets.features.features_table import without_other_sets
from livermets.heterogeneity.study_heterogeneity import measure_heterogeneity
from livermets.report.figures.heterogeneity import draw_heterogeneity

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    features = without_other_sets(pd.read_parquet(snakemake.input[0]), params.sets)
    found = measure_heterogeneity(
        features, params.classes, params.positive, params.settings, params.seed
    )
    write_table(output.variation, found.variation)
    write_table(output.classes, found.comparison)
    write_table(output.left_out, found.left_out)
    write_table(output.lesions, found.lesions)
    write_table(output.table, found.comparison, float_format="%.10g")
    write_table(output.outliers, found.outliers, float_format="%.10g")
    write_json(output.summary, found.summary)
    task = (params.classes, params.positive, found.summary["too_few"], Path(output.figure[0]))
    draw_heterogeneity(found.variation, found.comparison, *task)
