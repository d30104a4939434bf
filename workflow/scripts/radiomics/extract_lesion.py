"""Extract the pyradiomics features of one lesion."""

from livermets.core.jobs import job
from livermets.radiomics.extraction import LesionExtractor

with job(snakemake):
    extractor = LesionExtractor(**snakemake.params.extraction)
    row = extractor.extract_crop_file(snakemake.input.crops, int(snakemake.wildcards.lesion))
    extractor.write([row], snakemake.output[0], liver=False)
