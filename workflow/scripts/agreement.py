"""Automatic against final masks of every patient who has both."""

from livermets.agreement_table import agreement_table
from livermets.runtime import job, read_json

with job(snakemake.log, "agreement"):
    rows = [read_json(path) for path in snakemake.input]
    table = agreement_table([row for row in rows if not row["excluded"]])
    table.to_csv(snakemake.output[0], sep="\t", index=False)
