"""Splits: which patients train, validate and test.

In: `results/cohort.tsv`. Out: `results/splits.parquet`, which every model obeys.
Front door: `patient_splits.split_patients`.
May not import features or models: a split may not depend on what is learned.
"""
