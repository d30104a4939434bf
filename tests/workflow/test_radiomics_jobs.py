"""Jobs of radiomics: which ones run, and that a study killed between lesions goes on."""

import os
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.lesion_images import write_lesion_images
from helpers.run_study import (
    command,
    jobs,
    snakemake,
    write_config,
    write_phantom_study,
    write_sheet,
)
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_files import read_rows

DEFAULT = {"binWidth": 25}
FEW = ["firstorder", "shape", "glcm"]


def test_lesions_are_perturbed_only_where_a_least_icc_is_asked_for(tmp_path):
    write_phantom_study(tmp_path, 4)
    assert not {"perturb_lesions", "compute_icc"} & set(jobs(snakemake(tmp_path, "-n")))
    sets = {"original": {}, "ring": {"region": "ring"}}
    write_phantom_study(tmp_path, 4, radiomics={"min_icc": 0.9, "feature_sets": sets})
    listed = jobs(snakemake(tmp_path, "-n"))
    assert listed["perturb_lesions"] == 4
    assert listed["compute_icc"] == listed["render_report"] == 1


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A noisy CT, five balls and a single voxel in it, and the mask with the liver around them."""
    folder = tmp_path_factory.mktemp("images")
    write_lesion_images(folder)
    return folder


def write_study(folder, images):
    for name in ("ct", "mask"):
        shutil.copy(images / f"{name}.nii.gz", folder)
    write_sheet(folder, [("A", "colorectal", "ct.nii.gz", "mask.nii.gz")])
    write_config(folder, {"lesions": {"min_diameter_mm": 0}, "radiomics": {"feature_classes": FEW}})


def rows_and_truth(folder):
    """The patient's rows as the study made them, and as its images give them now."""
    parts = [str(folder / f"results/{part}/A.nii.gz") for part in ("ct", "lesions")]
    rows = read_rows(folder / "results/radiomics/A.parquet")[0]
    return rows, LesionExtractor(DEFAULT, FEW).extract(*map(sitk.ReadImage, parts))


@pytest.mark.slow
def test_a_study_killed_between_lesions_goes_on_with_those_that_are_missing(images, tmp_path):
    write_study(tmp_path, images)
    target, rows = "results/radiomics/A.parquet", tmp_path / "results/radiomics/A"
    process = subprocess.Popen(
        command(tmp_path, target),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        start_new_session=True,
    )
    while process.poll() is None and len(list(rows.glob("[0-9].parquet"))) < 2:
        time.sleep(0.01)
    assert process.poll() is None, "it was through before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for path in rows.glob("[0-9].parquet"):  # and no unfinished one
        assert len(read_rows(path)[0]) == 1
    assert snakemake(tmp_path, "--unlock").returncode == 0
    done = snakemake(tmp_path, target)
    assert done.returncode == 0, done.stderr
    found, truth = rows_and_truth(tmp_path)
    assert len(found) == 6
    np.testing.assert_equal(found, truth)
    assert not (tmp_path / "results/radiomics/A.crops.npz").exists()


@pytest.mark.slow
def test_a_changed_mask_extracts_the_lesions_again_though_the_crops_are_gone(images, tmp_path):
    write_study(tmp_path, images)
    for change in (False, True):
        if change:
            mask = sitk.ReadImage(str(tmp_path / "mask.nii.gz"))
            mask[50, 5, 4] = mask[51, 4, 4] = mask[51, 5, 5] = 2  # the single voxel is four
            sitk.WriteImage(mask, str(tmp_path / "mask.nii.gz"))
        done = snakemake(tmp_path, "results/radiomics/A.parquet")
        assert done.returncode == 0, done.stderr
        found, truth = rows_and_truth(tmp_path)
        np.testing.assert_equal(found, truth)
        assert np.isfinite(found[-1]["original_firstorder_Mean"]) == change
