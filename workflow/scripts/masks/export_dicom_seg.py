"""One patient's mask as a DICOM segmentation."""

from pathlib import Path

import SimpleITK as sitk
from livermets.core.exclusion import skip_if_excluded
from livermets.core.io import read_json
from livermets.core.jobs import job
from livermets.masks.dicom_seg import write_dicom_seg


def step() -> None:
    write_dicom_seg(
        sitk.ReadImage(snakemake.input.mask),
        read_json(snakemake.input.ct_record)["sha256"],
        snakemake.wildcards.patient,
        read_json(snakemake.input.record)["source"],
        Path(snakemake.output[0]),
    )


with job(snakemake):
    skip_if_excluded(snakemake.input.record, step, outputs=snakemake.output)
