"""nnU-Net v2 on one patient's CT."""

from pathlib import Path

import SimpleITK as sitk
from livermets.exclusion import attempt
from livermets.runtime import job


def step() -> None:
    from livermets.segmentation import segment  # torch takes seconds: not for those who are out

    mask = segment(
        sitk.ReadImage(snakemake.input.ct),
        snakemake.params.models,
        cache_dir=Path(snakemake.params.cache),
        device=snakemake.params.device,
        mirroring=snakemake.params.mirroring,
        step_size=snakemake.params.step_size,
        threads=snakemake.threads,
    )
    sitk.WriteImage(mask, snakemake.output[0], useCompression=True)


with job(snakemake.log, f"segment {snakemake.wildcards.patient}"):
    attempt(
        "segment",
        step,
        policy="stop",
        outputs=snakemake.output,
        upstream=snakemake.input.record,
    )
