"""Evaluation: metrics of every arm with intervals over patients, and paired differences.

In: prediction tables. Out: `results/metrics.parquet`, `differences.parquet`, `confusion.parquet`,
`subgroups.parquet`.
Front doors: `evaluate.evaluate`, `paired_differences.compare_arms`, `confusion.confusion`,
`subgroups.measure_subgroups`.
May not import models: every arm is judged by its prediction table alone.
"""
