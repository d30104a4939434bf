"""Intraclass correlation of every feature: by split, by class and lesion size, and as a figure."""

from pathlib import Path

import pandas as pd
from livermets.core.jobs import job
from livermets.radiomics.icc import gather_perturbed, icc_by_size, icc_table
from livermets.report.figures.robustness import draw_robustness

with job(snakemake.log, "robustness"):
    table = gather_perturbed(pd.read_parquet(snakemake.input.features), snakemake.input.perturbed)
    icc = icc_table(table, pd.read_parquet(snakemake.input.splits))
    icc.to_parquet(snakemake.output.icc, index=False)
    by_size = icc_by_size(table)
    by_size.to_parquet(snakemake.output.by_size, index=False)
    draw_robustness(by_size, snakemake.params.min_icc, Path(snakemake.output.figure))
