"""Every rule is measured, and what failed stands in a table. Run times: test_workflow.py."""

import csv
import re
from pathlib import Path

import pytest
from helpers.run_study import ROOT, snakemake, write_config, write_sheet

RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))


@pytest.mark.parametrize("path", RULES, ids=[path.stem for path in RULES])
def test_every_rule_with_a_script_has_a_benchmark_named_as_its_log(path):
    blocks = re.split(r"(?m)^\s*(?:rule|checkpoint|use rule)\b", path.read_text())[1:]
    for block in blocks:
        log = re.search(r'log:\s+f?"results/logs/([^"]+)\.log"', block)
        benchmark = re.search(r'benchmark:\s+f?"results/benchmarks/([^"]+)\.tsv"', block)
        if log and "shell:" not in block:
            assert benchmark, block.splitlines()[0]
            # the wildcards are the same, and the stage is the first folder
            assert re.findall(r"\{[^}]*\}", log[1]) == re.findall(r"\{[^}]*\}", benchmark[1])


def test_a_ct_that_cannot_be_read_is_in_the_table_of_failures(tmp_path: Path):
    write_sheet(
        tmp_path,
        [
            (f"P{number}", label, f"P{number}.nii.gz", f"P{number}.mask.nii.gz")
            for number, label in enumerate(["colorectal", "pancreatic"])
        ],
    )
    write_config(tmp_path, {})
    for number in range(2):
        for name in (f"P{number}.nii.gz", f"P{number}.mask.nii.gz"):
            (tmp_path / name).write_bytes(b"no image")
    done = snakemake(tmp_path, "results/ct/P1.nii.gz")
    assert done.returncode == 1
    with (tmp_path / "results/failures.tsv").open(newline="") as handle:
        (row,) = csv.DictReader(handle, delimiter="\t")
    assert (row["outcome"], row["for_whom"]) == ("failed", "P1")
    assert row["what"] == "Reading the CT of P1"
    assert row["problem"].startswith("patient P1: ") and row["log"].endswith("import_ct/P1.log")
    assert "results/failures.tsv" in done.stderr
