"""Every conda environment holds what its rules import, at the pins of the workstation install.

Scripts inherit the controller's packages at the end of sys.path, so a package missing from an
environment file would go unnoticed on a developer's machine.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from livermets.core.code_digest import files_read

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow/scripts"
DISTRIBUTION = {  # where the name one imports is not the name one installs
    "SimpleITK": "simpleitk",
    "PIL": "pillow",
    "docx": "python-docx",
    "cc3d": "connected-components-3d",
    "imblearn": "imbalanced-learn",
    "pywt": "pywavelets",
    "radiomics": "pyradiomics",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def lock() -> dict[str, str]:
    lines = (ROOT / "envs/workstation.lock").read_text().splitlines()
    lines += (ROOT / "envs/workstation.in").read_text().splitlines()
    pins = {"pyradiomics": "3.0.1"}
    parts = (line.split(" ;")[0].partition("==") for line in lines)  # " ;": where it applies
    return pins | {normal(name): version for name, _, version in parts if version}


def rules() -> list[tuple[str, str, str]]:
    """(rule, script, environment) of every rule with a script."""
    found = []
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for block in re.split(r"^\s*(?:rule|checkpoint) ", path.read_text(), flags=re.M)[1:]:
            script = re.search(r"scripts/([\w/]+\.py)", block)
            conda = re.search(r"envs/([\w-]+\.yaml)", block)
            name = block.split(":")[0]
            if script:
                assert conda, f"rule {name} has a script and no conda environment"
                found.append((name, script[1], conda[1]))
    return found


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def pip_pins(environment: str) -> dict[str, str]:
    content = yaml.safe_load((ROOT / "envs" / environment).read_text())
    pip = next((d["pip"] for d in content["dependencies"] if isinstance(d, dict)), [])
    pins = dict(pin.split("==") for pin in pip)
    built = ROOT / "envs" / environment.replace(".yaml", ".post-deploy.sh")
    if built.exists():
        pins |= dict(re.findall(r"([\w-]+)==([\w.]+)", built.read_text()))
    return {normal(name): pin for name, pin in pins.items()}


@pytest.mark.parametrize(("rule", "script", "environment"), rules())
def test_the_environment_of_a_rule_names_what_its_script_imports(rule, script, environment):
    files = [file for file in files_read(SCRIPTS / script) if file.suffix == ".py"]
    needed = set().union(*(imported(path) for path in files))
    needed -= set(sys.stdlib_module_names) | {"livermets", "snakemake"}
    missing = {normal(DISTRIBUTION.get(n, n)) for n in needed} - set(pip_pins(environment))
    assert not missing, f"add {sorted(missing)} to envs/{environment} (rule {rule})"


@pytest.mark.parametrize("environment", sorted({environment for *_, environment in rules()}))
def test_pins_equal_the_workstation_install(environment):
    pins, locked = pip_pins(environment), lock()
    assert {name: locked.get(name) for name in pins} == pins


def test_every_environment_file_is_used():
    used = {environment for *_, environment in rules()}
    assert {path.name for path in (ROOT / "envs").glob("*.yaml")} == used


def test_code_digest_follows_imports_inside_the_package():
    names = {file.name for file in files_read(SCRIPTS / "audit/hash_images.py")}
    assert {"exclusion.py", "errors.py", "jobs.py", "fingerprints.py"} <= names


def test_the_build_of_pyradiomics_finds_what_its_versioneer_asks_of_configparser():
    read = (
        "import configparser, io\n"
        "parser = configparser.SafeConfigParser()\n"
        "parser.readfp(io.StringIO('[versioneer]\\nVCS = git'))\n"
        "print(parser.get('versioneer', 'VCS'))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "envs/pyradiomics_build")}
    run = subprocess.run(
        [sys.executable, "-c", read], env=environment, capture_output=True, text=True
    )
    assert run.stdout == "git\n", run.stderr
