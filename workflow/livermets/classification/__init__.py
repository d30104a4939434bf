"""Classification: nine classifiers, ways of resampling, baselines, tuning, importance.

In: `results/features.parquet`, `results/splits.parquet`. Out: `results/predictions/{arm}.parquet`.
Front doors: `training.train_arm`, `baselines.train_baseline`, `model_selection.select_arm`,
`importance_table.feature_importance`.
May not import deep learning (the two approaches do not know each other) or evaluation: a model does
not know how it will be judged.
"""
