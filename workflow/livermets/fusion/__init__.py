"""Fusion: radiomics and DenseNet-121 joined, without a test patient in any training.

In: `results/features.parquet`, `results/splits.parquet`, `results/predictions` of the radiomics arm
and of DenseNet-121, slices and networks. Out: `results/predictions/fusion_{method}.parquet` and
`results/fusion`.
Front doors: `stacking.stack_scores`, `beside_radiomics.train_beside_radiomics`.
May not import evaluation.
"""
