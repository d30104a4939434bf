"""Patients who share a job of segmentation get the masks that each would get alone."""

import json

import pandas as pd
import pytest
import SimpleITK as sitk
from helpers.run_study import snakemake, write_config, write_sheet
from helpers.segmentation import arrays, demo_model, demo_phantom, segment

PATIENTS = ("P1", "P2", "P3")
SMALL = {"size": (24, 64, 64), "spacing_mm": (4.0, 4.0, 5.0)}


@pytest.mark.slow
def test_the_masks_of_a_batch_outlive_its_folder_and_are_those_of_single_jobs(tmp_path):
    for patient in PATIENTS:
        ct, _ = demo_phantom(patient, **SMALL)
        sitk.WriteImage(ct, str(tmp_path / f"{patient}.nii.gz"))
    (tmp_path / "P2.nii.gz").write_bytes(b"damaged")
    write_sheet(tmp_path, [(name, "pancreatic", f"{name}.nii.gz", "") for name in PATIENTS])
    model = demo_model(path=str(demo_model()["path"]))
    segmentation = {"models": [model], "patients_per_job": 2, "mirroring": False, "threads": 1}
    write_config(tmp_path, {"segmentation": segmentation, "on_bad_patient": "exclude"})
    wanted = [f"results/lesions/{patient}.tsv" for patient in PATIENTS]
    done = snakemake(tmp_path, *wanted)
    assert done.returncode == 0, done.stderr
    logs = (tmp_path / "results/logs/segment").iterdir()
    assert sorted(log.name for log in logs) == ["batch-1.log", "batch-2.log"]
    folder = tmp_path / "results/segmentation"
    assert sorted(file.name for file in folder.iterdir()) == sorted(
        f"{patient}.{ending}"
        for patient in PATIENTS
        for ending in ("nii.gz", "lesion_probability.nii.gz")
    )
    assert (folder / "P2.nii.gz").stat().st_size == 0
    assert json.loads((tmp_path / "results/lesions/P2.json").read_text())["excluded"]
    for patient in ("P1", "P3"):
        ct = sitk.ReadImage(str(tmp_path / f"results/ct/{patient}.nii.gz"))
        alone = segment(ct, [model], mirroring=False, cache_dir=tmp_path / "m", threads=1)
        mask, expected = arrays(sitk.ReadImage(str(folder / f"{patient}.nii.gz")), alone)
        assert (mask == expected).all()
        assert mask.max() == 2
        lesions = pd.read_csv(tmp_path / f"results/lesions/{patient}.tsv", sep="\t")
        assert lesions["model_probability"].between(0.3, 1).all()
    assert "Nothing to be done" in snakemake(tmp_path, *wanted).stderr
