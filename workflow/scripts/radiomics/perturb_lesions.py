"""The features of one patient's lesions under every perturbation of mask and image."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import SimpleITK as sitk
from livermets.core.io import atomic_path
from livermets.core.jobs import job
from livermets.radiomics.feature_files import REASON
from livermets.radiomics.perturbations import perturbed_rows

extraction = {**snakemake.params.extraction, "seed": snakemake.params.seed}
with job(snakemake):
    files, rows = snakemake.input, []
    if Path(files.lesions).stat().st_size:  # empty: the patient is out
        images = [sitk.ReadImage(path) for path in (files.ct, files.lesions)]
        organs = sitk.ReadImage(files.mask) if files.mask else None
        rows = perturbed_rows(*images, **extraction, organs=organs)
    keys = pa.schema([("perturbation", pa.string()), ("lesion", pa.int64())])
    table = pa.Table.from_pylist(rows).drop([REASON]) if rows else keys.empty_table()
    with atomic_path(snakemake.output[0]) as path:
        pq.write_table(table, path, compression="zstd")
