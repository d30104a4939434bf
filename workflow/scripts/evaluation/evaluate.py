"""Compute metrics, paired differences, confusion matrices and the AUC of every split."""

import pandas as pd
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.evaluation.confusion import confusion
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.evaluation.per_split import auc_per_split
from livermets.predictions.predictions_table import read_predictions

study = {key: snakemake.params[key] for key in ("classes", "positive")}
threshold = snakemake.params.threshold
with job(snakemake):
    predictions = read_predictions(snakemake.input.predictions, snakemake.params.classes)
    splits = pd.read_parquet(snakemake.input.splits)
    metrics = evaluate(predictions, threshold=threshold, splits=splits, **study)
    write_table(snakemake.output.metrics, metrics)
    differences = compare_arms(predictions, primary=snakemake.params.primary, **study)
    write_table(snakemake.output.differences, differences)
    called = confusion(predictions, threshold=threshold, **study)
    write_table(snakemake.output.confusion, called)
    write_table(snakemake.output.areas, auc_per_split(predictions, **study))
