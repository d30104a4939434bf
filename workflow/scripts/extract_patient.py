"""pyradiomics features of all lesions of one patient."""

from pathlib import Path

import SimpleITK as sitk
from livermets.radiomics_features import extract_patient, write_rows
from livermets.runtime import job

extraction = {key: snakemake.params[key] for key in ("settings", "classes")}
with job(snakemake.log, f"radiomics {snakemake.wildcards.patient}"):
    rows: list = []
    if Path(snakemake.input.lesions).stat().st_size:  # empty: the patient is out
        rows = extract_patient(
            sitk.ReadImage(snakemake.input.ct),
            sitk.ReadImage(snakemake.input.lesions),
            **extraction,
        )
    write_rows(rows, snakemake.output[0], **extraction)
