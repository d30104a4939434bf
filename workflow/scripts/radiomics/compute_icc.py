"""Compute the intraclass correlation of every feature, in tables and a figure."""

from pathlib import Path

import pandas as pd
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.radiomics.icc import gather_perturbed, icc_by_size, icc_table
from livermets.report.figures.robustness import draw_robustness

with job(snakemake):
    table = gather_perturbed(pd.read_parquet(snakemake.input.features), snakemake.input.perturbed)
    icc = icc_table(table, pd.read_parquet(snakemake.input.splits))
    write_table(snakemake.output.icc, icc)
    by_size = icc_by_size(table)
    write_table(snakemake.output.by_size, by_size)
    draw_robustness(by_size, snakemake.params.min_icc, Path(snakemake.output.figure[0]))
