"""Crop a patient's lesions from the CT, once for the jobs of all of them."""

from livermets.core.jobs import job
from livermets.radiomics.extraction import LesionExtractor

with job(snakemake):
    files = snakemake.input
    extractor = LesionExtractor(**snakemake.params.extraction)
    extractor.crop_files(files.ct, files.lesions, files.mask, snakemake.output[0])
