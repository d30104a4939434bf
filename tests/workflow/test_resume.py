"""A study that is killed goes on where it was, and one that is finished costs nothing to ask."""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.run_study import command, jobs, snakemake, write_config, write_sheet, write_table_study

KILLS = 10
pytestmark = pytest.mark.slow


def contents(folder: Path) -> dict[str, str]:
    """sha256 of every table and prediction of a study."""
    files = [*folder.glob("results/tables/*"), *folder.glob("results/*.parquet")]
    files += [*folder.glob("results/predictions/*"), folder / "results/cohort.tsv"]
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def killed(folder: Path, after_s: float) -> bool:
    """Run the study and kill it with all its jobs after so long; False if it ended before."""
    process = subprocess.Popen(
        command(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        start_new_session=True,
    )
    try:
        process.wait(after_s)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def test_after_ten_kills_at_random_times_every_table_has_the_same_bytes(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
        write_table_study(folder)
    start = time.monotonic()
    done = snakemake(whole)
    assert done.returncode == 0, done.stderr
    duration, rng = time.monotonic() - start, np.random.default_rng(0)
    kills = unlocked = 0
    while kills < KILLS:
        if not killed(broken, rng.uniform(0.05, 0.4) * duration):
            shutil.rmtree(broken / "results")  # it was through: from the start again
            continue
        kills += 1
        again = snakemake(broken, "-n")
        if "--unlock" in again.stdout + again.stderr:
            unlocked += 1
        assert snakemake(broken, "--unlock").returncode == 0
    assert unlocked  # as the README says
    done = snakemake(broken)
    assert done.returncode == 0, done.stderr
    assert contents(broken) == contents(whole)
    assert "Nothing to be done" in snakemake(broken, "-n").stdout


def test_a_finished_study_of_the_papers_size_is_checked_within_ten_seconds(tmp_path):
    """78 patients with 17 lesions each, 1900 jobs; the files are empty, their records are real."""
    write_sheet(
        tmp_path,
        [
            (f"P{i:03d}", ("colorectal", "pancreatic")[i % 2], "ct.nii.gz", "mask.nii.gz")
            for i in range(78)
        ],
    )
    write_config(tmp_path, {})
    for name in ("ct.nii.gz", "mask.nii.gz"):
        (tmp_path / name).touch()
    lesions = "".join(f"{lesion}\tTrue\n" for lesion in range(1, 18))
    for i in range(78):
        table = tmp_path / f"results/lesions/P{i:03d}.tsv"
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text("lesion\tkept\n" + lesions)
    for _ in range(2):  # before and after the lesions are known
        listed = snakemake(tmp_path, "--summary")
        assert listed.returncode == 0, listed.stderr
        for line in listed.stdout.splitlines():
            if line.startswith("results/"):
                path = tmp_path / line.split("\t")[0]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        touched = snakemake(tmp_path, "--touch")
        assert touched.returncode == 0, touched.stderr
    assert len(list((tmp_path / "results/radiomics").glob("*/*.parquet"))) == 78 * 17
    before = os.times()
    again = snakemake(tmp_path)
    after = os.times()
    assert "Nothing to be done" in again.stdout + again.stderr, jobs(again)
    used = after.children_user + after.children_system
    assert used - before.children_user - before.children_system < 10
