"""Assemble the study's features table and splits from the masks before correction."""

from pathlib import Path

import pandas as pd
from livermets.cohort.cohort_table import read_cohort
from livermets.cohort.scans_table import labels_of_scans, patients_of_scans, scan_ids
from livermets.core.io import read_json_files, write_table
from livermets.core.jobs import job
from livermets.features.features_table import assemble_features
from livermets.sensitivity.uncorrected_masks import fittable_splits, uncorrected_cohort

with job(snakemake):
    measurements = read_json_files(snakemake.input.measurements)
    files = snakemake.input
    scans = uncorrected_cohort(read_cohort([*files.scans, files.cohort][0]), measurements)
    used = set(scan_ids(scans[scans["included"]]))
    radiomics = [path for path in files.radiomics if Path(path).stem in used]
    cohort = patients_of_scans(scans) if files.scans else scans
    features = assemble_features(
        cohort, radiomics, files.tables, labels_of_scans(scans), snakemake.params.clinical
    )
    splits = pd.read_parquet(files.splits)
    splits = fittable_splits(splits, features, snakemake.params.classes)
    write_table(snakemake.output.features, features)
    write_table(snakemake.output.splits, splits)
