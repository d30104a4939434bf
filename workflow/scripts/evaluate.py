"""Every arm's metrics with intervals over patients, paired differences, confusion matrices."""

import pandas as pd
from livermets.compare import compare
from livermets.confusion import confusion
from livermets.evaluate import evaluate
from livermets.predictions import read_predictions
from livermets.runtime import job

study = {key: snakemake.params[key] for key in ("classes", "positive", "draws", "seed")}
threshold = snakemake.params.threshold
with job(snakemake.log, "evaluate"):
    predictions = read_predictions(snakemake.input.predictions, snakemake.params.classes)
    splits = pd.read_parquet(snakemake.input.splits)
    metrics = evaluate(predictions, threshold=threshold, splits=splits, **study)
    metrics.to_parquet(snakemake.output.metrics, index=False)
    compare(predictions, **study).to_parquet(snakemake.output.differences, index=False)
    called = confusion(predictions, threshold=threshold, **study)
    called.to_parquet(snakemake.output.confusion, index=False)
