"""Audit the predictions for leakage, and write the whole audit."""

from pathlib import Path

import pandas as pd
from livermets.audit.fusion_training import fusion_checks
from livermets.audit.leakage_audit import as_json, as_table, audit_predictions, stop_on_findings
from livermets.cohort.cohort_table import read_cohort
from livermets.core.io import read_json, write_json, write_table
from livermets.core.jobs import job
from livermets.predictions.predictions_table import read_predictions

with job(snakemake):
    paths = [Path(path) for path in snakemake.input.predictions]
    splits = pd.read_parquet(snakemake.input.splits)
    checks = audit_predictions(
        read_predictions(paths, snakemake.params.classes),
        splits,
        read_cohort(snakemake.input.cohort),
    )
    if snakemake.input.fusion:
        checks += fusion_checks(*map(pd.read_parquet, snakemake.input.fusion), splits)
    stop_on_findings(checks)
    audit = read_json(snakemake.input.data)
    audit["checks"] += as_json(checks)["checks"]
    write_json(snakemake.output.audit, audit)
    write_table(snakemake.output.table, as_table(audit))
