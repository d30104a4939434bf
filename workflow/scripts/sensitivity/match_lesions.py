"""Match the lesions of one scan's uncorrected mask with those of the final mask."""

from pathlib import Path

import pandas as pd
import SimpleITK as sitk
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.core.scan_ids import id_columns
from livermets.lesions.matching import PAIR, match_lesions

with job(snakemake):
    files = [Path(path) for path in (snakemake.input.before, snakemake.input.after)]
    pairs = []
    if all(file.stat().st_size for file in files):  # empty where the patient is out
        images = [sitk.GetArrayFromImage(sitk.ReadImage(str(file))) for file in files]
        pairs = match_lesions(*images)
    owner = id_columns(snakemake.wildcards.scan)
    rows = [(*owner.values(), *pair) for pair in pairs]
    write_table(snakemake.output[0], pd.DataFrame(rows, columns=[*owner, *PAIR]))
