"""Extract the pyradiomics features of all lesions of one patient."""

from livermets.core.jobs import job
from livermets.radiomics.extraction import LesionExtractor

with job(snakemake):
    files = snakemake.input
    extractor = LesionExtractor(**snakemake.params.extraction)
    extractor.extract_files(files.ct, files.lesions, files.mask, snakemake.output[0])
