"""One patient's lesions in one table, with what is measured once in the patient's liver."""

import SimpleITK as sitk
from livermets.core.jobs import job
from livermets.radiomics.extraction import read_lesions, with_liver, write_rows

extraction = snakemake.params.extraction
with job(snakemake):
    files = snakemake.input
    rows = read_lesions(files.rows, **extraction)
    if rows and files.mask:
        images = [sitk.ReadImage(files[name]) for name in ("ct", "lesions", "mask")]
        rows = with_liver(rows, *images[:2], **extraction, organs=images[2])
    write_rows(rows, snakemake.output[0], **extraction)
