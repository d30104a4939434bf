"""Look at what DenseNet-121 of one split looked at in its test lesions."""

from pathlib import Path

import numpy as np
import pandas as pd
from livermets.cohort.cohort_table import read_cohort
from livermets.cohort.scans_table import labels_of_scans
from livermets.core.io import atomic_path, write_table
from livermets.core.jobs import job
from livermets.deep_learning.densenet import Run
from livermets.explanation.network_study import look_at_split
from livermets.predictions.task import Task

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    look = look_at_split(
        Path(snakemake.input.model),
        {Path(path).stem: Path(path) for path in snakemake.input.slices},
        pd.read_parquet(snakemake.input.splits),
        labels_of_scans(read_cohort(snakemake.input.labels)),
        Task(params.classes, params.positive),
        Run(snakemake.wildcards.split, params.seed, params.device, snakemake.threads),
        params.settings,
    )
    write_table(output.scores, look.scores)
    write_table(output.maps, look.maps)
    with atomic_path(output.examples) as path:
        np.savez_compressed(path, **look.examples)
