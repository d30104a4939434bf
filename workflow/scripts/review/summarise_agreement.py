"""Automatic against final masks of every patient who has both."""

from livermets.core.jobs import job, read_json
from livermets.review.agreement_table import agreement_table

with job(snakemake.log, "agreement"):
    rows = [read_json(path) for path in snakemake.input]
    table = agreement_table([row for row in rows if not row["excluded"]])
    table.to_csv(snakemake.output[0], sep="\t", index=False)
