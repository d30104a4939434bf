"""Assemble the lesions of one patient in one table and add the features of the liver."""

from livermets.core.jobs import job
from livermets.radiomics.extraction import LesionExtractor, read_images

with job(snakemake):
    files = snakemake.input
    extractor = LesionExtractor(**snakemake.params.extraction)
    rows = extractor.read(files.rows)
    if rows and files.mask:
        rows = extractor.add_liver(rows, *read_images(files.ct, files.lesions, files.mask))
    extractor.write(rows, snakemake.output[0])
