"""Match the lesions of one patient's uncorrected mask with those of the final mask."""

from pathlib import Path

import pandas as pd
import SimpleITK as sitk
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.lesions.matching import COLUMNS, match_lesions

with job(snakemake):
    files = [Path(path) for path in (snakemake.input.before, snakemake.input.after)]
    pairs = []
    if all(file.stat().st_size for file in files):  # empty where the patient is out
        images = [sitk.GetArrayFromImage(sitk.ReadImage(str(file))) for file in files]
        pairs = match_lesions(*images)
    rows = [(snakemake.wildcards.patient, *pair) for pair in pairs]
    write_table(snakemake.output[0], pd.DataFrame(rows, columns=list(COLUMNS)))
