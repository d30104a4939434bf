"""The jobs of single lesions: what they read, what they write, and what a kill leaves behind."""

import os
import shutil
import signal
import subprocess
import time
import tracemalloc

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.run_study import command, snakemake, write_config, write_sheet
from livermets.core.errors import BadInput
from livermets.radiomics import feature_files as radiomics_tables
from livermets.radiomics.crops import read_cuts, write_cuts
from livermets.radiomics.extraction import (
    cut_files,
    extract_cut,
    extract_lesion,
    extract_patient,
    write_rows,
)
from livermets.radiomics.feature_files import REASON, read_rows
from livermets.radiomics.regions import Region

DEFAULT = {"binWidth": 25}
FEW = ["firstorder", "shape", "glcm"]
SETS = {
    "original": {},
    "shuffled": {"shuffle": True, "seed": 5},
    "isotropic": {"settings": {"resampledPixelSpacing": [1.5, 1.5, 1.5]}},
    "flat": {"settings": {"minimumROIDimensions": 3}},
    "log": {"filter": "log", "sigma_mm": [1.0]},
    "ring": {"region": "ring", "width_mm": 4.0},
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A noisy CT, five balls and a single voxel in it, and the mask with the liver around them."""
    folder = tmp_path_factory.mktemp("images")
    shape = (24, 60, 60)
    grey = np.random.default_rng(11).normal(90, 20, shape)
    labels = np.zeros(shape, np.uint16)
    grid = np.indices(shape)
    for lesion, y in enumerate((8, 18, 28, 38, 48), start=1):
        away = (grid[0] - 11) ** 2 * 2 + (grid[1] - y) ** 2 + (grid[2] - y) ** 2
        labels[away <= 16 + lesion] = lesion
    labels[4, 4, 50] = 6
    grey[labels > 0] -= 45
    organs = np.where(labels > 0, 2, 1).astype(np.uint8)
    for name, array in (("ct", grey.astype(np.int16)), ("lesions", labels), ("mask", organs)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((1.0, 1.0, 2.0))
        sitk.WriteImage(image, str(folder / f"{name}.nii.gz"))
    return folder


def read(folder):
    return [sitk.ReadImage(str(folder / f"{name}.nii.gz")) for name in ("ct", "lesions", "mask")]


def test_a_lesion_from_the_cuts_has_the_values_of_the_whole_ct_to_the_last_bit(images, tmp_path):
    ct, labelled, mask = read(images)
    files = [images / f"{name}.nii.gz" for name in ("ct", "lesions", "mask")]
    cut_files(*files, tmp_path / "cuts.npz", DEFAULT, FEW, SETS)
    for lesion in (1, 5, 6):
        row = extract_cut(tmp_path / "cuts.npz", lesion, DEFAULT, FEW, SETS)
        whole = extract_lesion(ct, labelled, lesion, DEFAULT, FEW, SETS, mask)
        np.testing.assert_equal(row, whole)
        assert any(np.isfinite(v) for k, v in row.items() if k.startswith("ring_"))
    assert "isotropic: all features: ValueError: mask only contains 1 segmented" in row[REASON]
    cut_files(*files, tmp_path / "again.npz", DEFAULT, FEW, SETS)
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "cuts.npz").read_bytes()


def test_why_a_set_has_no_voxels_comes_through_the_file(tmp_path):
    write_cuts(tmp_path / "cuts.npz", [(3, {"ring": "ValueError: there is none"})])
    assert read_cuts(tmp_path / "cuts.npz", 3) == {"ring": "ValueError: there is none"}
    assert read_cuts(tmp_path / "cuts.npz", 4) == {}


def test_a_lesion_that_was_not_cut_is_refused_by_number(images, tmp_path):
    cut_files(images / "ct.nii.gz", images / "lesions.nii.gz", None, tmp_path / "c.npz", {}, FEW)
    with pytest.raises(BadInput, match=r"c.npz holds lesions \[1, 2, 3, 4, 5, 6\], not 7"):
        extract_cut(tmp_path / "c.npz", 7, {}, FEW)


def test_memory_does_not_grow_with_the_number_of_lesions(tmp_path):
    def cuts(number):
        for lesion in range(1, number + 1):
            image = np.full((50, 100, 100), lesion, np.int16)  # 1 MB, and half of it for the mask
            yield lesion, {"original": Region(image, image > 0, (1.0, 1.0, 1.0), 0)}

    peaks = []
    for number in (2, 40):
        tracemalloc.start()
        write_cuts(tmp_path / "cuts.npz", cuts(number))
        read_cuts(tmp_path / "cuts.npz", number)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_a_job_killed_while_writing_leaves_what_was_there_before(images, tmp_path, monkeypatch):
    ct, labelled, _ = read(images)
    rows = extract_patient(ct, labelled, DEFAULT, FEW)
    path = tmp_path / "rows.parquet"
    whole = radiomics_tables.pq.write_table

    def killed(table, target, **options):
        whole(table, target, **options)
        os.truncate(target, os.path.getsize(target) // 2)
        raise KeyboardInterrupt

    for before in (None, rows[:1]):
        if before:
            monkeypatch.setattr(radiomics_tables.pq, "write_table", whole)
            write_rows(before, path, DEFAULT, FEW)
        monkeypatch.setattr(radiomics_tables.pq, "write_table", killed)
        with pytest.raises(KeyboardInterrupt):
            write_rows(rows, path, DEFAULT, FEW)
        assert path.exists() == bool(before)
    assert read_rows(path)[0] == rows[:1]


def write_study(folder, images):
    for name in ("ct", "mask"):
        shutil.copy(images / f"{name}.nii.gz", folder)
    write_sheet(folder, [("A", "colorectal", "ct.nii.gz", "mask.nii.gz")])
    write_config(folder, {"lesions": {"min_diameter_mm": 0}, "radiomics": {"classes": FEW}})


def rows_and_truth(folder):
    """The patient's rows as the study made them, and as its images give them now."""
    parts = [str(folder / f"results/{part}/A.nii.gz") for part in ("ct", "lesions")]
    rows = read_rows(folder / "results/radiomics/A.parquet")[0]
    return rows, extract_patient(*map(sitk.ReadImage, parts), DEFAULT, FEW)


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
    while process.poll() is None and len(list(rows.glob("*.parquet"))) < 2:
        time.sleep(0.01)
    assert process.poll() is None, "it was through before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for path in rows.glob("*.parquet"):
        assert len(read_rows(path)[0]) == 1
    assert snakemake(tmp_path, "--unlock").returncode == 0
    done = snakemake(tmp_path, target)
    assert done.returncode == 0, done.stderr
    found, truth = rows_and_truth(tmp_path)
    assert len(found) == 6
    np.testing.assert_equal(found, truth)
    assert not (tmp_path / "results/radiomics/A.cuts.npz").exists()


@pytest.mark.slow
def test_a_changed_mask_extracts_the_lesions_again_though_the_cuts_are_gone(images, tmp_path):
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
