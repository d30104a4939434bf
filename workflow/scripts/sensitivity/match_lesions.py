"""Which lesions of one patient's uncorrected and final mask are one."""

from pathlib import Path

import pandas as pd
import SimpleITK as sitk
from livermets.core.jobs import job
from livermets.review.agreement import pair_lesions
from livermets.review.agreement_table import PAIRS

with job(snakemake.log, f"pairs {snakemake.wildcards.patient}"):
    files = [Path(path) for path in (snakemake.input.before, snakemake.input.after)]
    pairs = []
    if all(file.stat().st_size for file in files):  # empty where the patient is out
        images = [sitk.GetArrayFromImage(sitk.ReadImage(str(file))) for file in files]
        pairs = pair_lesions(*images)
    rows = [(snakemake.wildcards.patient, *pair) for pair in pairs]
    pd.DataFrame(rows, columns=list(PAIRS)).to_csv(snakemake.output[0], sep="\t", index=False)
