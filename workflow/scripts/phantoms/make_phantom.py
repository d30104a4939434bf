"""A digital phantom of one patient of the demo cohort."""

import SimpleITK as sitk
from livermets.core.errors import BadInput
from livermets.core.jobs import job
from livermets.phantoms.phantom import make_phantom

with job(snakemake.log, f"phantom {snakemake.wildcards.patient}"):
    settings = snakemake.params.phantoms
    if settings is None:
        raise BadInput("the sheet names phantoms/, but the config has no `phantoms:`; add it.")
    ct, mask = make_phantom(
        snakemake.wildcards.patient,
        snakemake.params.label,
        snakemake.params.classes,
        snakemake.params.seed,
        **settings,
    )
    sitk.WriteImage(ct, snakemake.output.ct, useCompression=True)
    sitk.WriteImage(mask, snakemake.output.mask, useCompression=True)
