"""The documentation against the code it speaks of: files, make targets, rules, keys, rooms."""

import re
import runpy
import textwrap
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pandas as pd
import pytest
import yaml
from livermets.study.config import load_config

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("docs/howto/*.md")]
    if path.name != "CHANGELOG.md" and "reference" not in path.parts
)
SHOWN = [path.relative_to(ROOT).as_posix() for path in PAGES]
RULES = runpy.run_path(str(ROOT / "docs/generators/rules.py"))
LAYERS = runpy.run_path(str(ROOT / "docs/generators/layers.py"))
CONFIG = runpy.run_path(str(ROOT / "docs/generators/config_file.py"))
# folders of the repository: what a page names below them has to be there
SUFFIXES = ("parquet", "smk", "tsv", "json", "py")
TOP = "benchmarks|config|docs|envs|profiles|resources|tests|workflow"


def keys(schema: dict, path: str = "") -> set[str]:
    """Return every key of the configuration by its full name."""
    found = set()
    for key, part in schema.get("properties", {}).items():
        found |= {path + key} | keys(part, f"{path}{key}.")
    return found


KEYS = keys(CONFIG["load_schema"]())
SECTIONS = {key.split(".")[0] for key in KEYS if "." in key}


@pytest.fixture(params=PAGES, ids=SHOWN)
def page(request) -> Path:
    return request.param


def test_every_link_to_a_file_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        made = "reference/" in target  # written by `make docs`, which checks these links itself
        if "://" not in target and not made:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_file_that_is_named_exists(page):
    text = page.read_text(encoding="utf-8")
    for name in re.findall(rf"`((?:{TOP})/[\w./-]+)`", text):
        generated = "/results" in name or name.startswith(("config/patients", "config/series"))
        assert generated or (ROOT / name).exists(), f"{page.name} names {name}"


def test_every_make_target_that_is_named_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8")):
        assert name in targets, f"{page.name} names `make {name}`"


def test_every_yaml_example_is_a_configuration_that_is_taken(page):
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        given = yaml.safe_load(block)
        if "features" in given or "feature_columns" not in given:
            load_config(given)


def test_every_key_that_is_named_exists(page):
    named = re.findall(r"`([a-z_]+(?:\.[a-z_]+)*)(: [^`]*)?`", page.read_text(encoding="utf-8"))
    for key, value in named:
        *section, last = key.split(".")
        if value or (section and section[0] in SECTIONS and last not in SUFFIXES):
            assert key in KEYS, f"{page.name} names the key {key}"


def test_every_box_of_the_picture_is_a_rule():
    picture = (ROOT / "docs/images/workflow.dot").read_text(encoding="utf-8")
    boxes = re.findall(r"^  (\w+) \[(.*)\];", picture, re.MULTILINE)
    boxes = {name for name, look in boxes if name not in ("node", "edge") and "note" not in look}
    assert len(boxes) >= 8
    assert boxes <= RULES["rule_names"](), "docs/images/workflow.dot: no rule of this name"


def test_the_picture_is_drawn_from_its_source():
    source = (ROOT / "docs/images/workflow.dot").read_text(encoding="utf-8")
    drawn = (ROOT / "docs/images/workflow.svg").read_text(encoding="utf-8")
    boxes = set(re.findall(r"^  (\w+) \[label", source, re.MULTILINE))
    assert set(re.findall(r"<title>(\w+)</title>", drawn)) - {"livermets"} == boxes


def test_the_figure_of_the_layers_is_what_the_check_of_imports_says():
    drawn = (ROOT / "docs/images/layers.svg").read_text(encoding="utf-8")
    assert drawn == LAYERS["figure"](), "docs/images/layers.svg is behind: run `make docs`"


def test_the_architecture_has_a_row_for_every_room_and_every_rule_file():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = text.split("<!-- rooms -->")[1].split("<!-- end of rooms -->")[0]
    rooms = re.findall(r"^\| \[`(\w+)`\]", table, re.MULTILINE)
    package = ROOT / "workflow/livermets"
    assert sorted(rooms) == sorted(path.parent.name for path in package.glob("*/__init__.py"))
    files = {path.name for path in (ROOT / "workflow/rules").glob("*.smk")}
    assert set(re.findall(r"`([\w]+\.smk)`", table)) == files


def test_rules_are_read_with_their_messages():
    text = (
        "# Needs a; makes b.\n\n"
        'rule one:\n    output:\n        "b",\n    message:\n        "Making {wildcards.x}"\n'
        '    script:\n        "../scripts/room/one.py"\n\n'
        'use rule one as two with:\n    message:\n        f"Again {len(some)}"\n'
    )
    first, second = RULES["rules_of"](text)
    assert (first.name, first.message) == ("one", "Making {x}")
    assert first.script == "../scripts/room/one.py"
    assert (second.name, second.base, second.message) == ("two", "one", "Again {…}")


def test_the_oldest_snakemake_that_is_tested_is_the_oldest_that_is_taken():
    taken = re.search(r'min_version\("([\d.]+)"\)', (ROOT / "Snakefile").read_text())
    tests = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    versions = tests["jobs"]["demo"]["strategy"]["matrix"]["snakemake"]
    assert taken
    assert versions[0].startswith(f"{taken[1]}.")
    assert versions[-1] == "newest"


def test_the_section_of_the_how_to_page_is_a_section_that_renders():
    text = (ROOT / "docs/howto/own_report_section.md").read_text(encoding="utf-8")
    code, markup = (
        textwrap.dedent("".join(re.findall(rf"```{kind}\n(.*?)[ ]*```", text, re.DOTALL)))
        for kind in ("python", "html")
    )
    names: dict = {}
    exec(code, names)
    cohort = pd.DataFrame({"label": ["a", "a", "b"], "included": [True, True, False]})
    values = names["SECTION"].content(SimpleNamespace(cohort=cohort))
    assert "a: 2 patients" in jinja2.Template(markup).render(values)
