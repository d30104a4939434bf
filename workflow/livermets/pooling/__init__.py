"""Pooling: from slices to the score of a lesion, from lesions to the score of a patient.

In: `results/predictions`, `results/features.parquet`, `results/splits.parquet`, and the slices and
networks of DenseNet-121. Out: `results/predictions/{arm}~{pooling}.parquet`,
`results/predictions/densenet121_{pooling}.parquet` and `results/attention`.
Front doors: `patient_scores.pool_patients`, `lesion_attention.train_attention`.
May not import evaluation.
"""
