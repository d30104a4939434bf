"""pyradiomics features of all lesions of one patient."""

from livermets.core.jobs import job
from livermets.radiomics.extraction import extract_files

extraction = snakemake.params.extraction
with job(snakemake):
    files = snakemake.input
    extract_files(files.ct, files.lesions, files.mask, snakemake.output[0], **extraction)
