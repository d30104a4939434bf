"""Deep learning: DenseNet-121 on slices of lesions.

In: `results/ct`, `results/lesions`, `results/splits.parquet`. Out: `results/slices`,
`results/models/densenet121` and `results/predictions/densenet121.parquet`.
Front doors: `lesion_slices.lesion_slices`, `densenet.run_split`.
May not import classification (the two approaches do not know each other) or evaluation.
"""
