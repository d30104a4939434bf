"""pyradiomics features of one lesion."""

from livermets.core.jobs import job
from livermets.radiomics.extraction import extract_cut, write_rows

extraction = snakemake.params.extraction
lesion = int(snakemake.wildcards.lesion)
with job(snakemake):
    row = extract_cut(snakemake.input.crops, lesion, **extraction)
    write_rows([row], snakemake.output[0], **extraction, liver=False)
