"""On a SLURM cluster, with the profile that the README names. Skipped where none answers."""

import re
import shutil
import subprocess
from pathlib import Path

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
from livermets.segmentation.model_archive import hash_model

PROFILE = ("--workflow-profile", str(ROOT / "profiles/slurm"))
# A cluster for tests keeps no accounting and answers at once.
QUICK = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2")
QUICK += ("--seconds-between-status-checks", "3", "--latency-wait", "15")


@pytest.fixture(scope="module")
def cluster() -> None:
    """A cluster with an idle node; tests that need one are skipped where there is none."""
    if not shutil.which("sinfo"):
        pytest.skip("no SLURM here: sinfo is not installed")
    asked = subprocess.run(
        ["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True, check=False
    )
    if asked.returncode or not {"idle", "mixed", "allocated"} & set(asked.stdout.split()):
        pytest.skip(f"SLURM does not answer with a usable node: {asked.stdout + asked.stderr}")


def submitted(process) -> list[str]:
    """The ids of the SLURM jobs of a run."""
    return re.findall(r"SLURM jobid (\d+)", process.stdout + process.stderr)


def details(jobid: str) -> dict[str, str]:
    """What SLURM knows of a job that ran within the last minutes."""
    shown = subprocess.run(
        ["scontrol", "show", "job", jobid], capture_output=True, text=True, check=True
    )
    return dict(part.split("=", 1) for part in shown.stdout.split() if "=" in part)


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
    rules = tmp_path / "code/workflow/rules/segmentation.smk"  # what says little is shown in full
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


@pytest.mark.slow
def test_a_feature_table_becomes_the_same_tables_on_the_cluster_as_here(cluster, tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        write_table_study(tmp_path / name)
    done = snakemake(tmp_path / "there", *PROFILE, *QUICK)
    assert done.returncode == 0, done.stderr
    assert len(submitted(done)) >= 10
    assert snakemake(tmp_path / "here").returncode == 0
    tables = sorted((tmp_path / "here/results/tables").iterdir())
    assert tables
    for table in tables:
        assert (tmp_path / "there/results/tables" / table.name).read_bytes() == table.read_bytes()


@pytest.mark.slow
def test_images_become_features_with_the_lesions_grouped_and_a_gpu_for_the_model(cluster, tmp_path):
    model = ROOT / "resources/demo/model.zip"
    chain = [{"name": "demo", "path": str(model), "sha256": hash_model(model)}]
    chain[0]["labels"] = {"liver": 1, "lesion": 2}
    write_phantom_study(tmp_path, 2, segmentation={"models": chain, "mirroring": False})
    sheet = tmp_path / "config/patients.tsv"
    sheet.write_text(sheet.read_text().replace("phantoms/B1.mask.nii.gz", ""))
    done = snakemake(tmp_path, "features", *PROFILE, *QUICK)
    assert done.returncode == 0, done.stderr
    lesions = list(Path(tmp_path / "results/radiomics").glob("*/*.parquet"))
    assert (tmp_path / "results/features.parquet").exists() and len(lesions) > 2
    seen = [details(jobid) for jobid in submitted(done)]
    with_gpu = [job for job in seen if "gpu" in job.get("TresPerJob", "")]
    assert len(with_gpu) == 1  # one patient had to be segmented


@pytest.mark.slow
def test_a_refusal_reaches_the_terminal_from_the_cluster(cluster, tmp_path):
    write_phantom_study(tmp_path, 2)
    sheet = tmp_path / "config/patients.tsv"
    sheet.write_text(sheet.read_text().replace("phantoms/B1.mask", "nowhere/B1.mask"))
    done = snakemake(tmp_path, "results/masks/B1.json", *PROFILE, *QUICK, "--retries", "0")
    assert done.returncode == 1
    last = done.stderr.split("The study stopped. To be put right:")[1]
    assert "* patient B1: the given mask nowhere/B1.mask.nii.gz does not exist." in last
