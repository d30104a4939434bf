"""Who trains, validates and tests."""

import pandas as pd
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.splits.patient_splits import check_names, divide

with job(snakemake):
    text = dict.fromkeys(("patient", "label", "site", "split"), str)
    cohort = pd.read_table(snakemake.input.cohort, dtype=text)
    schemes = {key: snakemake.params[key] for key in ("holdout", "cv", "given", "site", "seed")}
    splits = divide(cohort[cohort["included"]], **schemes)
    check_names(splits, snakemake.params.names)
    write_table(snakemake.output[0], splits)
