"""What an edit of the code reruns: the rules whose scripts use the edited file, and no other.

Which scripts use a module is found here with Python's own modulefinder, not with the digests that
the workflow itself compares.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
from helpers.run_study import ROOT, snakemake

REPORT_TEMPLATE = "report.html.j2"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A copy of the workflow whose files a test may edit."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("Snakefile", "workflow", "envs", "profiles", "config"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    for rules in (folder / "workflow/rules").iterdir():  # a rule with a message is listed by it
        rules.write_text(re.sub(r"\n *message:\n.*", "", rules.read_text()))
    return folder


@pytest.fixture
def edit(checkout) -> Iterator[Callable[[Path], None]]:
    """Add a comment to a file of the copy; undone after the test."""
    before: dict[Path, bytes] = {}

    def add(file: Path, comment: str = "\n# edited\n") -> None:
        before[file] = file.read_bytes()
        file.write_bytes(before[file] + comment.encode())

    yield add
    for file, content in before.items():
        file.write_bytes(content)


@pytest.fixture(scope="module")
def scripts(table_study, checkout) -> dict[str, Path]:
    """The script of every rule that a study from a feature table runs."""
    text = "\n".join(path.read_text() for path in sorted((checkout / "workflow/rules").iterdir()))
    found = {}
    for block in re.split(r"^\s*(?:rule|checkpoint) (?=\w)", text, flags=re.M)[1:]:
        if script := re.search(r'scripts/([\w/]+\.py)"', block):
            found[re.match(r"\w+", block)[0]] = checkout / "workflow/scripts" / script[1]
    return {rule: path for rule, path in found.items() if rule in edges(table_study, checkout)}


@cache
def edges(study: Path, checkout: Path) -> dict[str, set[str]]:
    """Rule -> the rules that read its outputs, from Snakemake's own graph of the rules."""
    graph = snakemake(study, "--rulegraph", "dot", snakefile=checkout / "Snakefile")
    assert graph.returncode == 0, graph.stderr
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', graph.stdout))
    below: dict[str, set[str]] = {name: set() for name in names.values()}
    for above, reader in re.findall(r"(\d+) -> (\d+)", graph.stdout):
        below[names[above]].add(names[reader])
    return below


def with_readers(rules: set[str], below: dict[str, set[str]]) -> set[str]:
    """These rules and every rule that reads what they write, directly or not."""
    reached: set[str] = set()
    waiting = list(rules)
    while waiting:
        rule = waiting.pop()
        if rule not in reached:
            reached.add(rule)
            waiting += below[rule]
    return reached


def modules_of(script: Path, package: Path) -> set[Path]:
    """The files of the package that a script imports, also inside functions."""
    finder = ModuleFinder(path=[str(package)])
    finder.run_script(str(script))
    return {Path(module.__file__) for module in finder.modules.values() if module.__file__}


def planned(study: Path, checkout: Path) -> tuple[set[str], set[str]]:
    """The rules that would run, and those of them that would for a change of their code."""
    listed = snakemake(study, "-n", snakefile=checkout / "Snakefile")
    assert listed.returncode == 0, listed.stdout + listed.stderr
    blocks = re.split(r"^(?:local)?(?:rule|checkpoint) ", listed.stdout, flags=re.M)[1:]
    jobs = [(block.split(":")[0], block) for block in blocks]
    changed = {rule for rule, block in jobs if "Params have changed" in block}
    return {rule for rule, _ in jobs} - {"all"}, changed


@pytest.mark.parametrize(
    ("function", "user"),
    [("read_cohort", "audit_predictions"), ("train_baseline", "fit_baseline")],
    ids=["reader of the cohort table", "baselines"],
)
def test_an_edit_of_a_deep_module_reruns_the_rules_that_import_it_and_no_other(
    table_study, checkout, scripts, edit, function, user
):
    package, line = checkout / "workflow", f"\ndef {function}("
    (module,) = (file for file in package.rglob("*.py") if line in file.read_text())
    users = {rule for rule, script in scripts.items() if module in modules_of(script, package)}
    assert user in users and users != set(scripts)
    assert planned(table_study, checkout) == (set(), set())
    edit(module)
    check_plan(table_study, checkout, users)


def check_plan(study: Path, checkout: Path, users: set[str]) -> None:
    """These rules would run for a change of their code, what reads their outputs, and no other.

    Snakemake names the new input alone where a rule has a changed code and a new input.
    """
    listed, changed = planned(study, checkout)
    below = edges(study, checkout)
    readers = with_readers(set().union(*(below[rule] for rule in users)), below)
    assert listed == with_readers(users, below) - {"all"}
    assert users - readers <= changed <= users


def test_an_edit_of_the_reports_template_reruns_what_reads_its_folder(
    table_study, checkout, scripts, edit
):
    package = checkout / "workflow"
    (template,) = (package / "livermets/report").rglob(REPORT_TEMPLATE)
    folder = template.parent
    readers = {
        file for file in folder.parent.glob("*.py") if f'"{folder.name}"' in file.read_text()
    }
    users = {rule for rule, script in scripts.items() if readers & modules_of(script, package)}
    assert "render_report" in users and not {"evaluate", "write_tables"} & users
    edit(template, "{# edited #}\n")
    check_plan(table_study, checkout, users)


def test_a_new_clone_of_the_same_code_reruns_nothing(table_study, checkout):
    for file in checkout.rglob("*.py"):
        file.touch()  # a clone has files that are newer than every result
    assert planned(table_study, checkout) == (set(), set())


def test_an_edit_of_a_comment_in_a_rule_file_reruns_nothing(table_study, checkout, edit):
    edit(checkout / "workflow/rules/report.smk")
    assert planned(table_study, checkout) == (set(), set())
