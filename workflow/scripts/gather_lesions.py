"""One patient's lesions in one table."""

from livermets.radiomics_features import gather_rows
from livermets.runtime import job

extraction = {key: snakemake.params[key] for key in ("settings", "classes")}
with job(snakemake.log, f"radiomics {snakemake.wildcards.patient}"):
    gather_rows(snakemake.input, snakemake.output[0], **extraction)
