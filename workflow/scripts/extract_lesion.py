"""pyradiomics features of one lesion."""

import SimpleITK as sitk
from livermets.radiomics_features import extract_lesion, write_rows
from livermets.runtime import job

extraction = {key: snakemake.params[key] for key in ("settings", "classes")}
lesion = int(snakemake.wildcards.lesion)
with job(snakemake.log, f"radiomics {snakemake.wildcards.patient}/{lesion}"):
    row = extract_lesion(
        sitk.ReadImage(snakemake.input.ct),
        sitk.ReadImage(snakemake.input.lesions),
        lesion,
        **extraction,
    )
    write_rows([row], snakemake.output[0], **extraction)
