"""A write that is killed, or that meets a full disk, leaves the result before it as it was.

The kernel does both: beyond a limit on the size of a file (RLIMIT_FSIZE) it ends the process at the
write that crosses it, or lets that write fail as on a full disk where the signal is ignored; in
Python as in the C and C++ below it, with half of the file written.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.run_study import ROOT
from livermets.core.io import UNFINISHED

# Each writes `path` from the random numbers `rng`, by the function that the workflow uses.
WRITERS = {
    "json": """
from livermets.core.io import write_json
write_json(path, {"values": rng.normal(size=4000).tolist()})
""",
    "txt": """
from livermets.core.io import write_text
write_text(path, " ".join(map(str, rng.normal(size=4000))))
""",
    "tsv": """
import pandas
from livermets.core.io import write_table
write_table(path, pandas.DataFrame(rng.normal(size=(2000, 4)), columns=list("abcd")))
""",
    "parquet": """
import pandas
from livermets.core.io import write_table
write_table(path, pandas.DataFrame(rng.normal(size=(20000, 4)), columns=list("abcd")))
""",
    "nii.gz": """
import SimpleITK
from livermets.imaging.volumes import write_image
voxels = rng.integers(0, 1000, (20, 64, 64)).astype("int16")
write_image(path, SimpleITK.GetImageFromArray(voxels))
""",
    "seg.nrrd": """
import SimpleITK
from livermets.imaging.volumes import write_image
voxels = rng.integers(0, 3, (20, 64, 64)).astype("uint8")
write_image(path, SimpleITK.GetImageFromArray(voxels))
""",
    "npz": """
from livermets.deep_learning.lesion_slices import save_slices
save_slices({"images": rng.integers(0, 255, (9, 64, 64)).astype("uint8")}, path)
""",
    "joblib": """
import joblib
from livermets.core.io import atomic_path
with atomic_path(path) as unfinished:  # as in scripts/classification/fit_classifier.py
    joblib.dump(rng.normal(size=20000), unfinished, compress=3)
""",
    "pt": """
import torch
from livermets.core.io import atomic_path
with atomic_path(path) as unfinished, unfinished.open("wb") as file:  # as in deep_learning
    torch.save({"state": torch.from_numpy(rng.normal(size=20000))}, file)
""",
    "zip": """
import zipfile
from livermets.core.io import atomic_path
with atomic_path(path) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:
    archive.writestr("weights", rng.bytes(100_000))
""",
    "svg": """
from livermets.report.figures.style import save
from matplotlib.figure import Figure
figure = Figure()
figure.subplots().plot(rng.normal(size=2000))
save(figure, path, "A line.")
""",
}
START = """
import resource, signal, sys
from pathlib import Path
import numpy
path, seed, limit = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
rng = numpy.random.default_rng(seed)
if limit:
    if sys.argv[4] == "kill":
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it from the start
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
"""


def write(kind: str, path: Path, seed: int, limit: int = 0, way: str = "") -> int:
    """Write a file of this kind in a process of its own; returns how that ended."""
    done = subprocess.run(
        [sys.executable, "-c", START + WRITERS[kind], str(path), str(seed), str(limit), way],
        cwd=ROOT / "workflow",
        capture_output=True,
        text=True,
        check=False,
    )
    assert limit or done.returncode == 0, done.stderr
    return done.returncode


@pytest.mark.parametrize("kind", WRITERS)
def test_a_write_that_ends_half_way_costs_nothing(tmp_path, kind):
    target = tmp_path / f"result.{kind}"
    write(kind, target, seed=1)
    before = target.read_bytes()
    beside = {path.name for path in tmp_path.iterdir()}  # a figure is written in several formats
    for seed, way in enumerate(("kill", "full disk"), start=2):
        assert write(kind, target, seed, len(before) // 2, way) != 0, way
        assert target.read_bytes() == before, way
        left = {path.name for path in tmp_path.iterdir()} - beside
        assert left <= {UNFINISHED + target.name}
    write(kind, target, seed=4)  # the next run
    assert target.read_bytes() != before
    assert {path.name for path in tmp_path.iterdir()} == beside
