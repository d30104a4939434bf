"""Hash one patient's images, so that a copy under another id is recognised."""

import SimpleITK as sitk
from livermets.audit.fingerprints import fingerprint
from livermets.core.exclusion import skip_if_excluded
from livermets.core.io import write_json
from livermets.core.jobs import job


def step() -> None:
    images = (sitk.ReadImage(snakemake.input[name]) for name in ("ct", "mask", "lesions"))
    write_json(snakemake.output[0], fingerprint(*images))


with job(snakemake):
    skip_if_excluded(
        snakemake.input.record,
        step,
        outputs=snakemake.output,
    )
