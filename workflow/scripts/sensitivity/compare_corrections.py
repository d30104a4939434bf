"""Does correction matter: patients, features and AUCs from uncorrected and final masks."""

from pathlib import Path

import pandas as pd
from livermets.core.io import read_json, write_table
from livermets.core.jobs import job
from livermets.predictions.predictions_table import read_predictions
from livermets.report.figures.mask_correction import draw_mask_effect
from livermets.sensitivity.correction_effect import (
    auc_differences,
    feature_agreement,
    list_patients,
)

study = {key: snakemake.params[key] for key in ("classes", "positive", "draws", "seed")}
with job(snakemake):
    files = snakemake.input
    before, after, facts = (
        {Path(path).stem: read_json(path) for path in files[name]}
        for name in ("before", "after", "facts")
    )
    pairs = pd.concat([pd.read_csv(path, sep="\t", dtype={"patient": str}) for path in files.pairs])
    features = [pd.read_parquet(files[name]) for name in ("uncorrected", "features")]
    patients = list_patients(before, after, facts, features[1]["patient"].value_counts(), pairs)
    scored = [read_predictions(files[name], study["classes"]) for name in ("scored", "predictions")]
    aucs = auc_differences(*scored, **study)
    agreement = feature_agreement(*features, pairs)
    for table, path in ((patients, 0), (agreement, 1), (aucs, 2)):
        write_table(snakemake.output[path], table, float_format="%.10g")
    draw_mask_effect(aucs, Path(snakemake.output.figure))
