"""One patient's mask as a DICOM segmentation."""

from datetime import datetime
from pathlib import Path

import SimpleITK as sitk
from livermets.core.exclusion import skip_if_excluded
from livermets.core.io import read_json
from livermets.core.jobs import job
from livermets.masks.dicom_seg import MODEL_NAME, NOT_STATED, write_dicom_seg
from livermets.masks.dicom_seg_source import export_source, hospital_source


def step() -> None:
    patient, files = snakemake.wildcards.scan, snakemake.input
    mask, record = sitk.ReadImage(files.mask), read_json(files.record)
    ct_hash = read_json(files.ct_record)["sha256"]
    if snakemake.params.kind == "hospital":
        made = datetime.fromtimestamp(Path(files.mask).stat().st_mtime)
        ct_files = [Path(path) for path in snakemake.params.ct]
        source = hospital_source(mask, ct_files, ct_hash, patient, made)
    else:
        source = export_source(mask, ct_hash, patient)
    name = MODEL_NAME if record["by_models"] else NOT_STATED
    write_dicom_seg(mask, source, record["drawn"], Path(snakemake.output[0]), name)


with job(snakemake):
    skip_if_excluded(snakemake.input.record, step, outputs=snakemake.output)
