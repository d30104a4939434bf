"""Compare patients, features and AUCs from uncorrected and from final masks."""

from pathlib import Path

import pandas as pd
from livermets.core.io import read_json, write_table
from livermets.core.jobs import job
from livermets.predictions.predictions_table import read_predictions
from livermets.report.figures.mask_correction import draw_mask_effect
from livermets.sensitivity import correction_effect

study = {key: snakemake.params[key] for key in ("classes", "positive", "draws", "seed")}
with job(snakemake):
    files, outputs = snakemake.input, snakemake.output
    records = [
        {Path(path).stem: read_json(path) for path in files[name]}
        for name in ("before", "after", "facts")
    ]
    pairs = pd.concat([pd.read_csv(path, sep="\t", dtype={"patient": str}) for path in files.pairs])
    features = [pd.read_parquet(files[name]) for name in ("uncorrected", "features")]
    lesions = features[1]["patient"].value_counts().to_dict()
    scored = [read_predictions(files[name], study["classes"]) for name in ("scored", "predictions")]
    tables = {
        outputs.patients: correction_effect.list_patients(*records, lesions, pairs),
        outputs.features: correction_effect.feature_agreement(*features, pairs),
        outputs.aucs: correction_effect.auc_differences(*scored, **study),
    }
    for path, table in tables.items():
        write_table(path, table, float_format="%.10g")
    draw_mask_effect(tables[outputs.aucs], Path(outputs.figure))
