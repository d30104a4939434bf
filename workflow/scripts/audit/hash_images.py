"""What one patient's images are known by."""

import SimpleITK as sitk
from livermets.audit.fingerprints import fingerprint
from livermets.core.exclusion import attempt
from livermets.core.jobs import job, write_json


def step() -> None:
    images = (sitk.ReadImage(snakemake.input[name]) for name in ("ct", "mask", "lesions"))
    write_json(snakemake.output[0], fingerprint(*images))


with job(snakemake.log, f"fingerprint {snakemake.wildcards.patient}"):
    attempt(
        "audit",
        step,
        policy="stop",
        outputs=snakemake.output,
        upstream=snakemake.input.record,
    )
