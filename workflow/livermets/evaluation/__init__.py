"""Evaluation: metrics of every arm with intervals over patients, and paired differences.

In: prediction tables. Out: `results/metrics.parquet`, `differences.parquet`, `confusion.parquet`,
`by_size.parquet`, `subgroups.parquet`.
Front doors: `evaluate.evaluate`, `paired_differences.compare_arms`, `confusion.confusion`,
`by_size.measure_by_size`, `subgroups.measure_subgroups`.
May not import models: every arm is judged by its prediction table alone.
"""
