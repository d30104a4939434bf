"""On a SLURM cluster, with the profile that the README names: `make test-slurm`.

Where no cluster answers, one of one node is started; skipped where that cannot be done.
"""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
import yaml
from helpers.run_study import (
    ROOT,
    jobs,
    snakemake,
    write_config,
    write_phantom_study,
    write_sheet,
    write_table_study,
)
from helpers.slurm_cluster import node_states, one_node_cluster, why_not
from livermets.segmentation.model_archive import hash_model

USABLE = {"idle", "mixed", "allocated"}  # states of a node
PROFILE = ("--workflow-profile", str(ROOT / "profiles/slurm"))
# A cluster for tests keeps no accounting and answers at once.
QUICK = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2")
QUICK += ("--seconds-between-status-checks", "3", "--latency-wait", "15")


class Cluster(NamedTuple):
    """Where SLURM's commands find the cluster, and what was seen of its jobs so far."""

    environment: dict[str, str]
    jobs: dict[str, dict[str, str]]

    def run(self, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
        """Snakemake in a study's folder, on the cluster."""
        return snakemake(folder, *options, *PROFILE, *QUICK, environment=self.environment)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """The cluster of this machine, or one of one node that is started here for the tests.

    SLURM forgets a job a while after its end (MinJobAge), so its jobs are asked for all along.
    """
    with ExitStack() as stack:
        environment = dict(os.environ)
        if not shutil.which("sinfo") or not USABLE & node_states(environment):
            if reason := why_not():
                pytest.skip(f"no SLURM here, and none can be started: {reason}")
            folder = stack.enter_context(TemporaryDirectory(prefix="slurm"))
            environment = stack.enter_context(one_node_cluster(Path(folder)))
        yield Cluster(environment, stack.enter_context(recorded_jobs(environment)))


@contextmanager
def recorded_jobs(environment: dict[str, str]) -> Iterator[dict[str, dict[str, str]]]:
    """Job id -> what SLURM last said of it; asked every two seconds while the block runs."""
    known: dict[str, dict[str, str]] = {}
    ended = threading.Event()

    def record() -> None:
        while not ended.wait(2):
            listed = subprocess.run(
                ["scontrol", "show", "job", "--oneliner"],
                env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            for line in listed.stdout.splitlines():
                job = dict(part.split("=", 1) for part in line.split() if "=" in part)
                known[job.get("JobId", "")] = job

    thread = threading.Thread(target=record, daemon=True)
    thread.start()
    try:
        yield known
    finally:
        ended.set()
        thread.join()


def submitted(process) -> list[str]:
    """The ids of the SLURM jobs of a run."""
    return re.findall(r"SLURM jobid (\d+)", process.stdout + process.stderr)


def test_the_profile_lists_the_whole_study_without_a_cluster(tmp_path):
    write_table_study(tmp_path)
    listed = snakemake(tmp_path, "-n", *PROFILE)
    assert listed.returncode == 0, listed.stderr
    assert jobs(listed)["fit_classifier"] == 4


def test_the_profile_names_rules_that_exist():
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    assert profile["set-resources"]
    for rule in profile["set-resources"]:
        assert re.search(rf"^\s*(rule|checkpoint) {rule}:", rules, re.M), rule
    for group in profile["group-components"]:
        assert re.search(rf'group:\s+"{group}"', rules), group


def test_a_job_of_several_patients_asks_for_the_time_of_all_of_them(tmp_path):
    write_sheet(tmp_path, [(f"P{k}", "colorectal", "ct.nii.gz", "") for k in range(5)])
    (tmp_path / "ct.nii.gz").touch()
    (tmp_path / "code").mkdir()
    for part in ("Snakefile", "workflow", "envs"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / "code" / part)
    for part in ("per_patient", "per_batch"):  # a job without a message is shown in full
        rules = tmp_path / f"code/workflow/rules/segmentation_{part}.smk"
        rules.write_text(re.sub(r"\n *message:\n.*", "", rules.read_text()))
    path = ROOT / "resources/demo/model.zip"
    model = {"name": "m", "path": str(path), "sha256": "0" * 64, "labels": {"liver": 1}}
    masks = [f"results/segmentation/P{k}.nii.gz" for k in range(5)]
    for per_job, minutes in ((1, [7] * 5), (2, [7, 14, 14])):
        chosen = {"models": [model], "patients_per_job": per_job, "runtime_min": 7}
        write_config(tmp_path, {"segmentation": chosen})
        listed = snakemake(tmp_path, "-n", *masks, snakefile=tmp_path / "code/Snakefile")
        asked = re.findall(r"resources: .*gpu=1.*", listed.stdout)
        assert sorted(int(re.search(r"runtime=(\d+)", job)[1]) for job in asked) == minutes


@pytest.mark.slurm
def test_a_feature_table_becomes_the_same_tables_on_the_cluster_as_here(cluster, tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        write_table_study(tmp_path / name)
    done = cluster.run(tmp_path / "there")
    assert done.returncode == 0, done.stderr
    assert len(submitted(done)) >= 10
    assert snakemake(tmp_path / "here").returncode == 0
    tables = sorted((tmp_path / "here/results/tables").iterdir())
    assert tables
    for table in tables:
        assert (tmp_path / "there/results/tables" / table.name).read_bytes() == table.read_bytes()


@pytest.mark.slurm
def test_images_become_features_with_the_lesions_grouped_and_a_gpu_for_the_model(cluster, tmp_path):
    model = ROOT / "resources/demo/model.zip"
    chain = [{"name": "demo", "path": str(model), "sha256": hash_model(model)}]
    chain[0]["labels"] = {"liver": 1, "lesion": 2}
    write_phantom_study(tmp_path, 2, segmentation={"models": chain, "mirroring": False})
    sheet = tmp_path / "config/patients.tsv"
    sheet.write_text(sheet.read_text().replace("phantoms/B1.mask.nii.gz", ""))
    done = cluster.run(tmp_path, "features")
    assert done.returncode == 0, done.stderr
    lesions = list(Path(tmp_path / "results/radiomics").glob("*/*.parquet"))
    assert (tmp_path / "results/features.parquet").exists() and len(lesions) > 2
    seen = [cluster.jobs[jobid] for jobid in submitted(done)]
    with_gpu = [job for job in seen if "gpu" in job.get("TresPerJob", "")]
    assert len(with_gpu) == 1  # one patient had to be segmented


@pytest.mark.slurm
def test_a_refusal_reaches_the_terminal_from_the_cluster(cluster, tmp_path):
    write_phantom_study(tmp_path, 2)
    sheet = tmp_path / "config/patients.tsv"
    sheet.write_text(sheet.read_text().replace("phantoms/B1.mask", "nowhere/B1.mask"))
    done = cluster.run(tmp_path, "results/masks/B1.json", "--retries", "0")
    assert done.returncode == 1
    last = done.stderr.split("The study stopped. To be put right:")[1]
    assert "* patient B1: the given mask nowhere/B1.mask.nii.gz does not exist." in last
