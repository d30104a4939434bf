"""Classification: nine classifiers, ways of resampling, baselines, tuning, importance.

In: `results/features.parquet` and `results/splits.parquet`. Out: `results/predictions/{arm}.parquet`.
Front doors: `training.fit_arm`, `baselines.fit_baseline`, `model_selection.select_arm`.
May not import evaluation: a model does not know how it will be judged.
"""
