"""How long Snakemake plans a large study, and how long it finds nothing to do in a finished one.

    make bench-dryrun ARGS="--patients 1000 --finished 78 --lesions 17"

`snakemake -n --quiet rules` with one job per lesion and one per patient, before the lesions are
known and after (all CTs, masks and lesions are there; the files are empty). Then a whole run of a
finished study. Times are CPU seconds of Snakemake, start included; wall seconds stand beside them.
"""

import argparse
import tempfile
from pathlib import Path

from helpers.run_study import jobs, snakemake, write_config, write_sheet
from stopwatch import stopwatch

# in the order in which a study makes them
UPSTREAM = ("ct/{}.nii.gz", "ct/{}.json", "masks/{}.nii.gz", "masks/{}.json")
SPLIT = ("lesions/{}.nii.gz", "lesions/{}.json")


def make_study(folder: Path, patients: int, fan_out: str) -> list[str]:
    """Write a study of patients with given masks and return their names."""
    names = [f"P{i:04d}" for i in range(patients)]
    classes = ("colorectal", "pancreatic")
    rows = [(name, classes[i % 2], "ct.nii.gz", "mask.nii.gz") for i, name in enumerate(names)]
    write_sheet(folder, rows)
    write_config(folder, {"radiomics": {"fan_out": fan_out}})
    for name in ("ct.nii.gz", "mask.nii.gz"):
        (folder / name).touch()
    return names


def write_lesion_table(folder: Path, name: str, lesions: int) -> None:
    """Write the table of lesions that Snakemake reads while it plans."""
    path = folder / f"results/lesions/{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{lesion}\tTrue\n" for lesion in range(1, lesions + 1))
    path.write_text("lesion\tkept\n" + rows)


def split_all(folder: Path, names: list[str], lesions: int) -> None:
    """Write the files that a study has once the lesions of all its patients are labelled."""
    for pattern in UPSTREAM + SPLIT:
        for name in names:
            path = folder / "results" / pattern.format(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    for name in names:
        write_lesion_table(folder, name, lesions)


def finish(folder: Path, names: list[str], lesions: int) -> None:
    """Every file of a study, empty, and Snakemake's own record of it."""
    for name in names:
        write_lesion_table(folder, name, lesions)
    for _ in range(2):  # before and after the lesions are known
        listed = snakemake(folder, "--summary")
        assert listed.returncode == 0, listed.stderr[-3000:]
        for line in listed.stdout.splitlines():
            if line.startswith("results/"):
                path = folder / line.split("\t")[0]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        touched = snakemake(folder, "--touch")
        assert touched.returncode == 0, touched.stderr[-3000:]
    for path in (folder / "results/radiomics").glob("*.crops.npz"):
        path.unlink()  # as every study does when a patient's lesions are through


def measure(folder: Path, *options: str) -> tuple[float, float, object]:
    """CPU and wall seconds of one Snakemake, and the finished process."""
    with stopwatch() as elapsed:
        done = snakemake(folder, *options)
    assert done.returncode == 0, done.stderr[-3000:]
    return elapsed.cpu, elapsed.wall, done


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--finished", type=int, default=78, help="patients of the finished study")
    parser.add_argument("--lesions", type=int, default=17, help="of each patient")
    given = parser.parse_args()
    print(f"{'':<58}{'jobs':>8}{'CPU s':>8}{'wall s':>8}", flush=True)

    def show(what: str, count: int, cpu: float, wall: float) -> None:
        print(f"{what:<58}{count:>8}{cpu:>8.1f}{wall:>8.1f}", flush=True)

    for fan_out in ("lesion", "patient"):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            names = make_study(folder, given.patients, fan_out)
            for state in ("unknown", "known"):
                if state == "known":
                    split_all(folder, names, given.lesions)
                cpu, wall, done = measure(folder, "-n", "--quiet", "rules")
                what = f"plan, {given.patients} patients, fan_out: {fan_out}, lesions {state}"
                show(what, jobs(done)["total"], cpu, wall)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        finish(folder, make_study(folder, given.finished, "lesion"), given.lesions)
        cpu, wall, done = measure(folder)
        assert "Nothing to be done" in done.stdout + done.stderr
        show(f"run of a finished study, {given.finished} patients", 0, cpu, wall)


if __name__ == "__main__":
    main()
