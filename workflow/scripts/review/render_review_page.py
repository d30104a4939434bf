"""Write the review page of one scan."""

from pathlib import Path

import pandas as pd
import SimpleITK as sitk
from livermets.core.exclusion import skip_if_excluded
from livermets.core.io import read_json
from livermets.core.jobs import job
from livermets.review.review_page import removed_and_kept, write_review_page
from livermets.review.volume_packing import pack_scan


def step() -> None:
    files = snakemake.input
    has_removed = Path(files.removed).stat().st_size > 0
    numbers = removed_and_kept(
        sitk.ReadImage(files.lesions), sitk.ReadImage(files.removed) if has_removed else None
    )
    automatic = next(map(sitk.ReadImage, files.automatic), None)
    ct, mask = sitk.ReadImage(files.ct), sitk.ReadImage(files.mask)
    write_review_page(
        Path(snakemake.output[0]),
        snakemake.wildcards.scan,
        pack_scan(ct, mask, numbers, automatic),
        pd.read_csv(
            files.table, sep="\t", keep_default_na=False, na_values={"model_probability": ""}
        ),
        read_json(files.findings),
        read_json(files.record)["sha256"],
        oriented=read_json(files.acquisition)["orientation"] is not None,
        reviews=snakemake.params.reviews,
        label=snakemake.params.label,
    )


with job(snakemake):
    skip_if_excluded(snakemake.input.record, step, outputs=snakemake.output)
