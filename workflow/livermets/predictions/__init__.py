"""The prediction table, the one contract between models and evaluation.

In: `results/predictions/{arm}.parquet` of any origin. Out: the same rows, checked.
Front door: `predictions_table.read_predictions`.
May not import models or evaluation: both sides obey it, it knows neither.
"""
