"""Every arm's metrics with intervals over patients, and differences from lesion volume alone."""

import pandas as pd
from livermets.evaluate import compare, evaluate
from livermets.predictions import read_predictions
from livermets.runtime import job

study = {key: snakemake.params[key] for key in ("classes", "positive", "draws", "seed")}
with job(snakemake.log, "evaluate"):
    predictions = read_predictions(snakemake.input.predictions, snakemake.params.classes)
    splits = pd.read_parquet(snakemake.input.splits)
    metrics = evaluate(predictions, threshold=snakemake.params.threshold, splits=splits, **study)
    metrics.to_parquet(snakemake.output.metrics, index=False)
    compare(predictions, **study).to_parquet(snakemake.output.differences, index=False)
