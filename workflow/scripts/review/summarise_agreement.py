"""Write the table of the agreement of automatic and final masks."""

from livermets.core.io import read_json, write_table
from livermets.core.jobs import job
from livermets.review.agreement_table import agreement_table

with job(snakemake):
    rows = [read_json(path) for path in snakemake.input]
    table = agreement_table([row for row in rows if not row["excluded"]])
    write_table(snakemake.output[0], table)
