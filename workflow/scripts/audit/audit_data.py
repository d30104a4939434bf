"""Audit patients, images, features and splits for leakage, before anything is trained."""

from pathlib import Path

import pandas as pd
from livermets.audit.leakage_audit import as_json, audit_data, stop_on_findings
from livermets.audit.segmentation_training import segmentation_training_check
from livermets.audit.verdicts import Verdicts
from livermets.cohort.cohort_table import read_cohort
from livermets.core.io import read_json_files, write_json
from livermets.core.jobs import job

with job(snakemake):
    hashed = [path for path in snakemake.input.fingerprints if Path(path).stat().st_size]
    fingerprints = read_json_files(hashed)
    cohort = read_cohort(snakemake.input.cohort)
    checks = audit_data(
        cohort,
        pd.read_parquet(snakemake.input.features),
        pd.read_parquet(snakemake.input.splits),
        fingerprints,
        Verdicts(**snakemake.params.verdicts),
    )
    checks.append(
        segmentation_training_check(cohort, fingerprints, **snakemake.params.segmentation_training)
    )
    stop_on_findings(checks)
    write_json(snakemake.output[0], as_json(checks))
