"""Split the patients into those who train, validate and test."""

from livermets.cohort.cohort_table import read_cohort
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.splits.patient_splits import check_split_names, split_patients
from livermets.splits.sites import split_notes

with job(snakemake) as log:
    cohort = read_cohort(snakemake.input.cohort)
    schemes = {key: snakemake.params[key] for key in ("holdout", "cv", "given", "site", "seed")}
    splits = split_patients(cohort[cohort["included"]], **schemes)
    check_split_names(splits, snakemake.params.names)
    for note in split_notes(cohort[cohort["included"]], snakemake.params.site):
        log.warning(note)
    write_table(snakemake.output[0], splits)
