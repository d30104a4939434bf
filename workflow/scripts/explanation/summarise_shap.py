"""Sum the SHAP values of the radiomics arms over groups of correlated features."""

from pathlib import Path

import pandas as pd
from livermets.core.io import write_json, write_table
from livermets.core.jobs import job
from livermets.explanation.records import records
from livermets.explanation.shap_summary import additivity, summarise_shap
from livermets.predictions.task import Task
from livermets.report.figures.shap_groups import draw_shap_groups

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    values, groups = (
        pd.concat(map(pd.read_parquet, paths), ignore_index=True)
        for paths in (snakemake.input.values, snakemake.input.groups)
    )
    summary, shares = summarise_shap(values, groups, Task(params.classes, params.positive))
    write_table(output.summary, summary)
    write_table(output.table, summary, float_format="%.10g")
    write_table(output.shares, shares)
    contents = {"groups": records(summary), "largest_deviation": additivity(values)}
    write_json(output.record, contents | {"settings": params.settings})
    draw_shap_groups(summary, shares, Path(output.figure[0]))
