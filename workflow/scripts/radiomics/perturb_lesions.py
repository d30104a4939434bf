"""Extract the features of one patient's lesions under every perturbation of mask and image."""

from livermets.core.jobs import job
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.perturbations import perturb_files

with job(snakemake):
    extractor = LesionExtractor(**snakemake.params.extraction)
    files = snakemake.input
    images = files.ct, files.lesions, files.mask
    perturb_files(extractor, *images, snakemake.output[0], seed=snakemake.params.seed)
