"""Write the dictionary of the radiomics features and the table of all IBSI tags."""

from livermets.core.jobs import job
from livermets.radiomics.dictionary import write_dictionary
from livermets.radiomics.extraction import LesionExtractor

with job(snakemake):
    extractor = LesionExtractor(**snakemake.params.extraction)
    write_dictionary(extractor.sets, snakemake.output.features, snakemake.output.tags)
