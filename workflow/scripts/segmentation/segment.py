"""Segment liver and lesions of one or more patients with the configured chain of models."""

from functools import partial
from pathlib import Path

from livermets.core.jobs import job
from livermets.segmentation.inference import segment_files
from livermets.segmentation.model_chain import load_chain

with job(snakemake):
    segment_files(
        list(
            zip(
                snakemake.input.cts,
                snakemake.input.records,
                snakemake.params.masks,
                snakemake.params.probabilities,
                strict=True,
            )
        ),
        partial(
            load_chain,
            snakemake.params.models,
            device=snakemake.params.device,
            mirroring=snakemake.params.mirroring,
            step_size=snakemake.params.step_size,
            cache_dir=Path(snakemake.params.cache),
            threads=snakemake.threads,
        ),
        keep_largest_liver=snakemake.params.keep_largest_liver,
    )
