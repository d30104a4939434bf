"""pyradiomics features of one lesion."""

import SimpleITK as sitk
from livermets.radiomics_features import extract_lesion, write_rows
from livermets.runtime import job

extraction = {key: snakemake.params[key] for key in ("settings", "classes", "sets")}
lesion = int(snakemake.wildcards.lesion)
with job(snakemake.log, f"radiomics {snakemake.wildcards.patient}/{lesion}"):
    mask = snakemake.input.mask
    row = extract_lesion(
        sitk.ReadImage(snakemake.input.ct),
        sitk.ReadImage(snakemake.input.lesions),
        lesion,
        **extraction,
        organs=sitk.ReadImage(mask) if mask else None,
    )
    write_rows([row], snakemake.output[0], **extraction, liver=False)
