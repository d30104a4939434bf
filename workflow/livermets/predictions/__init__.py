"""The prediction table, the one contract between models and evaluation.

In: `results/predictions/{arm}.parquet` of any origin. Out: the same rows, checked.
Front doors: `predictions_table.read_predictions`; `task.Task`, the classes that a model gets.
May not import models or evaluation: both sides obey it, it knows neither.
"""
