"""Compare patients, features and AUCs from uncorrected and from final masks."""

from pathlib import Path

import pandas as pd
from livermets.core.io import read_json_files, write_table
from livermets.core.jobs import job
from livermets.predictions.predictions_table import read_predictions
from livermets.report.figures.mask_correction import draw_mask_effect
from livermets.sensitivity.correction_effect import correction_tables
from livermets.study.names import SCAN

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    prediction_files = (files.uncorrected_predictions, files.predictions)
    tables = correction_tables(
        [read_json_files(files[name]) for name in ("before", "after", "measurements")],
        pd.concat(
            [pd.read_csv(path, sep="\t", dtype={"patient": str, SCAN: str}) for path in files.pairs]
        ),
        [pd.read_parquet(path) for path in (files.uncorrected, files.features)],
        [read_predictions(paths, params.classes) for paths in prediction_files],
        **{name: params[name] for name in ("classes", "positive")},
    )
    for name, table in tables.items():
        write_table(snakemake.output[name], table, float_format="%.10g")
    draw_mask_effect(tables["aucs"], Path(snakemake.output.figure[0]))
