"""Write every table of the report as Word, LaTeX and TSV."""

from pathlib import Path

from livermets.core.jobs import job
from livermets.report.page_tables import read_page_tables
from livermets.report.table_files import write_table_files

with job(snakemake):
    page = Path(snakemake.input[0]).read_text(encoding="utf-8")
    write_table_files(snakemake.output[0], read_page_tables(page))
