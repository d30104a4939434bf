"""pyradiomics features of one lesion."""

from livermets.radiomics_features import extract_cut, write_rows
from livermets.runtime import job

extraction = {key: snakemake.params[key] for key in ("settings", "classes", "sets")}
lesion = int(snakemake.wildcards.lesion)
with job(snakemake.log, f"radiomics {snakemake.wildcards.patient}/{lesion}"):
    row = extract_cut(snakemake.input.cuts, lesion, **extraction)
    write_rows([row], snakemake.output[0], **extraction, liver=False)
