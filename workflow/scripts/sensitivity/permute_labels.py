"""The study's patients with labels dealt at random, and their features under those labels."""

import pandas as pd
from livermets.core.jobs import job
from livermets.report.paper_tables import read_cohort
from livermets.sensitivity.label_permutation import deal_labels

with job(snakemake.log, "shuffled labels"):
    cohort = read_cohort(snakemake.input.cohort)
    cohort = cohort[cohort["included"]]
    dealt = deal_labels(cohort, snakemake.params.seed)
    cohort = cohort.assign(label=cohort["patient"].map(dealt))
    cohort.to_csv(snakemake.output.cohort, sep="\t", index=False)
    features = pd.read_parquet(snakemake.input.features)
    features.assign(label=features["patient"].map(dealt)).to_parquet(
        snakemake.output.features, index=False
    )
