"""How fast the radiomics are: this workflow against the pyradiomics command line, Nyxus and MIRP.

    make bench-radiomics ARGS="[--full] [--peers PYTHON] [--limit 400] [--keep FOLDER]"

Four full-size CTs (512 x 512 x 120) with 40 lesions each, in a study that the workflow itself has
imported and split. Lesion volumes follow Tharmaseelan et al. 2023: of a liver of 1.5 l, 9.8 % lie
in 9.25 colorectal lesions (mean 15.9 ml) and 6.7 % in 27.77 pancreatic ones (3.6 ml); log-normal.

All get the same files of CT and lesions; reading and writing is within every time. The command line
runs `--jobs 2` on 8 lesions of each CT, evenly spread over the sizes, and its time is scaled to all
40 (`--full` runs them all). Nyxus and MIRP run in another Python (`--peers`; `pip install nyxus
mirp` there) and are left out, with the reason, without one; MIRP is stopped at the time limit.

Nyxus gives the features both have, ours all 116. Its texture classes each have a grey depth of
their own that is 0 unless set, which is no binning: matrices of all 1,500 grey levels of a noisy
lesion, minutes for a CT. Here they get 8 bins, as many as 25 HU give. Ours and Nyxus run in turns
three times, the medians count.

Times are CPU seconds (user + system) with all child processes, as others may use the machine; wall
time stands beside them. The last line is `ratio=` CPU seconds of the command line over those of our
one job per patient.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from stopwatch import stopwatch

ROOT = Path(__file__).parents[1]
SIZE = (120, 512, 512)  # z, y, x
SPACING_MM = (0.75, 0.75, 1.5)
PATIENTS = {"C1": 15.9, "C2": 15.9, "P1": 3.6, "P2": 3.6}  # mean lesion volume, ml
LESIONS = 40
ROUNDS = 3
# What Nyxus and pyradiomics both have, by Nyxus' names (GLCM and GLRLM: means over directions).
SHARED = {
    "3{}": "P10 P90 ENERGY ENTROPY INTERQUARTILE_RANGE KURTOSIS MAX MEAN_ABSOLUTE_DEVIATION MEAN "
    "MEDIAN MIN RANGE ROBUST_MEAN_ABSOLUTE_DEVIATION ROOT_MEAN_SQUARED SKEWNESS UNIFORMITY "
    "VARIANCE_BIASED AREA AREA_2_VOLUME MESH_VOLUME SPHERICITY VOXEL_VOLUME MAJOR_AXIS_LEN "
    "MINOR_AXIS_LEN LEAST_AXIS_LEN ELONGATION FLATNESS",
    "3GLCM_{}_AVE": "ACOR CLUPROM CLUSHADE CLUTEND CONTRAST CORRELATION DIFAVE DIFENTRO DIFVAR ID "
    "IDM IDMN IDN INFOMEAS1 INFOMEAS2 IV JAVE ENERGY JE JMAX JVAR SUMAVERAGE SUMENTROPY",
    "3GLRLM_{}_AVE": "SRE LRE GLN GLNN RLN RLNN RP GLV RV RE LGLRE HGLRE SRLGLE SRHGLE LRLGLE "
    "LRHGLE",
    "3GLSZM_{}": "SAE LAE GLN GLNN SZN SZNN ZP GLV ZV ZE LGLZE HGLZE SALGLE SAHGLE LALGLE LAHGLE",
    "3GLDM_{}": "SDE LDE GLN DN DNN GLV DV DE LGLE HGLE SDLGLE SDHGLE LDLGLE LDHGLE",
    "3NGTDM_{}": "COARSENESS CONTRAST BUSYNESS COMPLEXITY STRENGTH",
}
NYXUS = f"""
import sys
from nyxus import Nyxus3D
shared = {SHARED}
names = [name.format(part) for name, parts in shared.items() for part in parts.split()]
nyxus = Nyxus3D(names, n_feature_calc_threads=2)
for texture in ("glcm", "glrlm", "glszm", "gldm", "ngtdm"):
    nyxus.set_metaparam(f"3{{texture}}/greydepth=-8")  # negative: bins of equal width
table = nyxus.featurize_files(sys.argv[1::2], sys.argv[2::2], False)
missing = [n for n in names if n not in table]
assert len(table) == 160 and not missing, (len(table), missing)
table.to_csv("nyxus.csv")
"""
MIRP = """
import sys
from mirp import extract_features
for ct, lesions in zip(sys.argv[1::2], sys.argv[2::2]):
    extract_features(
        image=ct, mask=lesions, roi_name=[str(n) for n in range(1, 41)],
        base_discretisation_method="fixed_bin_size", base_discretisation_bin_width=25.0,
    )
"""


def make_patient(folder: Path, name: str, mean_ml: float, rng: np.random.Generator) -> None:
    """{name}.ct.nii.gz and {name}.mask.nii.gz (1 body in place of a liver, 2 lesions)."""
    steps, centre = np.array(SPACING_MM[::-1]), (np.array(SIZE) - 1) / 2
    y, x = np.ogrid[: SIZE[1], : SIZE[2]]
    body = ((y - centre[1]) / 200) ** 2 + ((x - centre[2]) / 240) ** 2 < 1
    hu = rng.normal(0, 12, SIZE).astype(np.float32) + np.where(body, 90, -1000).astype(np.float32)
    mask = np.broadcast_to(body, SIZE).astype(np.uint8)
    volumes = rng.lognormal(np.log(mean_ml) - 1.2**2 / 2, 1.2, LESIONS).clip(0.2, 90)  # ml
    for volume in sorted(volumes, reverse=True):
        radii = rng.dirichlet([30, 30, 30])
        radii *= (3000 * volume / (4 * np.pi) / np.prod(radii)) ** (1 / 3)  # mm
        reach = np.ceil(radii / steps).astype(int) + 2
        while True:
            at = rng.uniform(reach + 1, np.array(SIZE) - reach - 2).round().astype(int)
            box = tuple(slice(a, b) for a, b in zip(at - reach, at + reach + 1, strict=True))
            if (mask[box] == 1).all():
                break
        grid = np.indices(2 * reach + 1).reshape(3, -1).T - reach
        inside = (((grid * steps / radii) ** 2).sum(1) <= 1).reshape(2 * reach + 1)
        mask[box][inside] = 2
        hu[box][inside] += rng.normal(-45, 15, inside.sum())
    for part, array in (("ct", hu.round().astype(np.int16)), ("mask", mask)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing(SPACING_MM)
        sitk.WriteImage(image, str(folder / f"{name}.{part}.nii.gz"), useCompression=True)


def prepare(study: Path) -> None:
    """Make a study and label its lesions by the workflow's own rules."""
    from studies import snakemake, write_config, write_sheet

    rng = np.random.default_rng(2023)
    for name, mean_ml in PATIENTS.items():
        make_patient(study, name, mean_ml, rng)
    classes = {"C": "colorectal", "P": "pancreatic"}
    rows = [(p, classes[p[0]], f"{p}.ct.nii.gz", f"{p}.mask.nii.gz") for p in PATIENTS]
    write_sheet(study, rows)
    write_config(study, {})
    done = snakemake(study, *(f"results/lesions/{p}.tsv" for p in PATIENTS))
    assert done.returncode == 0, done.stderr[-3000:]
    for name in PATIENTS:
        kept = (study / f"results/lesions/{name}.tsv").read_text().count("\tTrue\t")
        assert kept == LESIONS, f"{name} has {kept} lesions"


@contextmanager
def clock(times: dict[str, list[tuple[float, float]]], name: str) -> Iterator[None]:
    """Add CPU seconds of child processes and wall seconds to those under `name`."""
    with stopwatch() as elapsed:
        yield
    times.setdefault(name, []).append((elapsed.cpu, elapsed.wall))


def one_job(ct: str, lesions: str, output: str) -> None:
    """What the rule of one job per patient does; prints the CPU seconds of its parts."""
    marks = [0.0]  # of the process's start
    from livermets.radiomics.extraction import LesionExtractor
    from livermets.radiomics.feature_classes import FEATURE_CLASSES

    marks.append(time.process_time())
    images = [sitk.ReadImage(path) for path in (ct, lesions)]
    marks.append(time.process_time())
    extractor = LesionExtractor({"binWidth": 25}, FEATURE_CLASSES)
    rows = extractor.extract(*images)
    marks.append(time.process_time())
    extractor.write(rows, output)
    marks.append(time.process_time())
    print(json.dumps(list(np.diff(marks))))


def by_patient(study: Path) -> np.ndarray:
    """One process a patient, two at a time; the CPU seconds of their parts."""
    waiting, running, parts = list(PATIENTS), [], []
    while waiting or running:
        while waiting and len(running) < 2:
            name = waiting.pop(0)
            files = [f"results/ct/{name}.nii.gz", f"results/lesions/{name}.nii.gz"]
            command = [sys.executable, __file__, "--job", *files, f"{name}.parquet"]
            running.append(subprocess.Popen(command, cwd=study, stdout=subprocess.PIPE, text=True))
        parts.append(json.loads(running.pop(0).communicate()[0]))
    return np.sum(parts, axis=0)


def by_lesion(study: Path) -> None:
    """The workflow's rules of one job per lesion, Snakemake included."""
    from helpers.run_study import snakemake

    shutil.rmtree(study / "results/radiomics", ignore_errors=True)  # of an earlier benchmark
    targets = [f"results/radiomics/{name}.parquet" for name in PATIENTS]
    done = snakemake(study, *targets, "--config", "radiomics={fan_out: lesion}")
    assert done.returncode == 0, done.stderr[-3000:]


def by_command_line(study: Path, cases: int) -> float:
    """`pyradiomics --jobs 2` on evenly spread lesions; the largest difference to our values."""
    import pandas as pd

    chosen = np.linspace(1, LESIONS, cases).round().astype(int)
    rows = [
        (f"{study}/results/ct/{p}.nii.gz", f"{study}/results/lesions/{p}.nii.gz", lesion)
        for p in PATIENTS
        for lesion in chosen
    ]
    pd.DataFrame(rows, columns=["Image", "Mask", "Label"]).to_csv(study / "cases.csv", index=False)
    command = [str(Path(sys.executable).with_name("pyradiomics")), "cases.csv", "-o", "peer.csv"]
    command += ["-f", "csv", "--jobs", "2"]
    subprocess.run(command, cwd=study, check=True, capture_output=True)
    theirs = pd.read_csv(study / "peer.csv").filter(regex="^original_").astype(float)
    ours = pd.concat([pd.read_parquet(study / f"{p}.parquet").iloc[chosen - 1] for p in PATIENTS])
    ours = ours[theirs.columns].to_numpy()
    return float(np.nanmax(np.abs(theirs - ours) / np.maximum(np.abs(theirs), 1e-12)))


def by_peer(study: Path, python: str | None, code: str, limit: float) -> str:
    """Run another program's code on all patients; return why it has no time, or ""."""
    module = code.split("from ")[1].split()[0]
    if python is None:
        return f"left out: no --peers PYTHON that has {module}"
    if subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode:
        return f"left out: {module} is not installed in {python}"
    files = [f"results/{part}/{p}.nii.gz" for p in PATIENTS for part in ("ct", "lesions")]
    try:
        done = subprocess.run(
            [python, "-c", code, *files], cwd=study, timeout=limit, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        return f"stopped after {limit:.0f} s of wall time"
    return f"failed: {done.stderr.splitlines()[-1]}" if done.returncode else ""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="pyradiomics runs every lesion")
    parser.add_argument("--peers", help="a Python that has nyxus and mirp")
    parser.add_argument("--limit", type=float, default=400, help="seconds for Nyxus and for MIRP")
    parser.add_argument("--keep", type=Path, help="a folder for the study, used again if it is one")
    parser.add_argument("--job", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        one_job(*given.job)
        return
    with tempfile.TemporaryDirectory() as scratch:
        study = (given.keep or Path(scratch)).resolve()
        study.mkdir(exist_ok=True)
        if not all((study / f"results/lesions/{p}.tsv").is_file() for p in PATIENTS):
            prepare(study)
        measure(study, given)


def measure(study: Path, given: argparse.Namespace) -> None:
    """Run everything and print the table."""
    rounds: dict[str, list[tuple[float, float]]] = {}
    notes: dict[str, str] = {}
    cases = LESIONS if given.full else 8
    ours, rules, cli = "livermets, a job per patient", "livermets, a job per lesion", "pyradiomics"
    parts = []
    for _ in range(ROUNDS):
        with clock(rounds, ours):
            parts.append(by_patient(study))
        with clock(rounds, "Nyxus"):
            notes["Nyxus"] = by_peer(study, given.peers, NYXUS, given.limit)
        if notes["Nyxus"]:
            break
    names = ("start", "read", "extract", "write")
    split = zip(names, np.median(parts, axis=0), strict=True)
    notes[ours] = "CPU s: " + ", ".join(f"{n} {t:.1f}" for n, t in split)
    with clock(rounds, rules):
        by_lesion(study)
    notes[rules] = "with Snakemake"
    with clock(rounds, cli):
        worst = by_command_line(study, cases)
    notes[cli] = f"{cases} of {LESIONS} lesions of each CT, scaled" * (cases < LESIONS)
    with clock(rounds, "MIRP"):
        notes["MIRP"] = by_peer(study, given.peers, MIRP, given.limit)
    times = {name: np.median(found, axis=0) for name, found in rounds.items()}
    times[cli] *= LESIONS / cases
    for name in ("Nyxus", "MIRP"):
        if notes[name].startswith(("left", "failed")):
            times[name] = np.array([np.nan, np.nan])
    print(f"{len(PATIENTS)} CTs of {SIZE[1]} x {SIZE[2]} x {SIZE[0]}, {LESIONS} lesions each")
    print(f"{'':<30}{'CPU s':>9}{'wall s':>9}{'x ours':>8}")
    for name, (cpu, wall) in times.items():
        print(f"{name:<30}{cpu:>9.1f}{wall:>9.1f}{cpu / times[ours][0]:>8.1f}  {notes[name]}")
    if not notes["Nyxus"]:
        cpu, wall = times["Nyxus"] / times[ours]
        print(f"Nyxus against a job per patient: {cpu:.1f} in CPU, {wall:.1f} in wall time")
    print(f"largest relative difference to pyradiomics: {worst:.0e}")
    print(f"a job per lesion against pyradiomics: {times[cli][0] / times[rules][0]:.1f}")
    print(f"ratio={times[cli][0] / times[ours][0]:.0f}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
