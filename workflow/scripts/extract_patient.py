"""pyradiomics features of all lesions of one patient."""

from livermets.radiomics_features import extract_files
from livermets.runtime import job

extraction = {key: snakemake.params[key] for key in ("settings", "classes", "sets")}
with job(snakemake.log, f"radiomics {snakemake.wildcards.patient}"):
    files = snakemake.input
    extract_files(files.ct, files.lesions, files.mask, snakemake.output[0], **extraction)
