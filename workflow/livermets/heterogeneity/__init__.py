"""Heterogeneity: how unlike the lesions of one patient are, and whether the classes differ in it.

In: `results/features.parquet`. Out: `results/heterogeneity`, `results/tables/heterogeneity.tsv`,
`results/tables/outlier_lesions.tsv`. Front door: `study_heterogeneity.measure_heterogeneity`.
May not import models or evaluation: nothing is learned or predicted in here.
"""
