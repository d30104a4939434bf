"""One patient's mask as a DICOM segmentation."""

from pathlib import Path

import SimpleITK as sitk
from livermets.core.exclusion import attempt
from livermets.core.jobs import job, read_json
from livermets.masks.dicom_seg import write_dicom_seg


def step() -> None:
    write_dicom_seg(
        sitk.ReadImage(snakemake.input.mask),
        read_json(snakemake.input.ct_record)["sha256"],
        snakemake.wildcards.patient,
        read_json(snakemake.input.record)["source"],
        Path(snakemake.output[0]),
    )


with job(snakemake.log, f"DICOM-SEG {snakemake.wildcards.patient}"):
    attempt(
        "dicom_seg",
        step,
        policy="stop",
        outputs=snakemake.output,
        upstream=snakemake.input.record,
    )
