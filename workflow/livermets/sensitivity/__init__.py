"""Sensitivity analyses: the study once more with permuted labels, or with uncorrected masks.

In: the study's own tables. Out: `results/permuted_labels`, `results/uncorrected`.
Front doors: `label_permutation.permute_labels`, `correction_effect.auc_differences`.
May not import the report, which shows what comes out.
"""
