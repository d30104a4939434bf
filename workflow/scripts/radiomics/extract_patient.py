"""pyradiomics features of all lesions of one patient."""

from livermets.core.jobs import job
from livermets.radiomics.extraction import extract_files

extraction = {key: snakemake.params[key] for key in ("settings", "classes", "sets")}
with job(snakemake):
    files = snakemake.input
    extract_files(files.ct, files.lesions, files.mask, snakemake.output[0], **extraction)
