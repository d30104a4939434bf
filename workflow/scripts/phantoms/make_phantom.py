"""Make the digital phantom of one patient of the demo cohort."""

from livermets.core.errors import BadInput
from livermets.core.jobs import job
from livermets.imaging.volumes import write_image
from livermets.phantoms.phantom import make_phantom

with job(snakemake):
    settings = snakemake.params.phantoms
    if settings is None:
        raise BadInput("the sheet names phantoms/, but the config has no `phantoms:`; add it.")
    ct, mask = make_phantom(
        snakemake.wildcards.scan,
        snakemake.params.label,
        snakemake.params.classes,
        snakemake.params.seed,
        **settings,
    )
    write_image(snakemake.output.ct, ct)
    write_image(snakemake.output.mask, mask)
