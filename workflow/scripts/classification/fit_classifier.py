"""One classifier with one way of resampling, in every split."""

from pathlib import Path

import joblib
import pandas as pd
from livermets.classification.training import fit_arm
from livermets.core.io import atomic_path, write_table
from livermets.core.jobs import job
from livermets.features.features_table import without_other_sets
from livermets.radiomics.icc import read_unstable

arm = Path(snakemake.output.predictions).stem  # with what follows an @, its feature sets
with job(snakemake):
    predictions, fitted, report = fit_arm(
        without_other_sets(pd.read_parquet(snakemake.input.features), snakemake.params.sets),
        pd.read_parquet(snakemake.input.splits),
        snakemake.wildcards.model,
        snakemake.wildcards.resampling,
        classes=snakemake.params.classes,
        positive=snakemake.params.positive,
        **snakemake.params.settings,
        unstable=read_unstable(snakemake.input.icc, snakemake.params.min_icc),
        threads=snakemake.threads,
        arm=arm,
    )
    write_table(snakemake.output.predictions, predictions)
    write_table(snakemake.output.chosen, report)
    with atomic_path(snakemake.output.fitted) as path:
        joblib.dump(fitted, path, compress=3)
