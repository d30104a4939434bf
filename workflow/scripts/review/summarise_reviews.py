"""Write the tables of what readers decided, of deleted lesions and of the readers' agreement."""

from livermets.core.io import read_json, write_table
from livermets.core.jobs import job
from livermets.review.reader_agreement import agreement_of_readers
from livermets.review.review_tables import decisions_table, deleted_table

with job(snakemake):
    scans = snakemake.params.scans
    records = dict(zip(scans, map(read_json, snakemake.input), strict=True))
    in_study = {scan: record for scan, record in records.items() if not record["excluded"]}
    readings = {scan: record["review"]["readings"] for scan, record in in_study.items()}
    write_table(snakemake.output.decisions, decisions_table(in_study))
    write_table(snakemake.output.deleted, deleted_table(in_study))
    write_table(snakemake.output.agreement, agreement_of_readers(readings, snakemake.params.seed))
