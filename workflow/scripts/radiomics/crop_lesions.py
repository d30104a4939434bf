"""What the jobs of a patient's lesions need of the CT, cut out once for all of them."""

from livermets.core.jobs import job
from livermets.radiomics.extraction import cut_files

extraction = snakemake.params.extraction
with job(snakemake):
    files = snakemake.input
    cut_files(files.ct, files.lesions, files.mask, snakemake.output[0], **extraction)
