"""config/config.yaml and the reference page: both written from the schema, so never apart."""

import runpy
from pathlib import Path

import pytest
import yaml
from livermets.study.config import load_config

ROOT = Path(__file__).parents[2]
GENERATOR = runpy.run_path(str(ROOT / "docs/generators/config_file.py"))
SCHEMA = {
    "properties": {
        "seed": {"type": "integer", "minimum": 0, "default": 7, "description": "The seed."},
        "part": {
            "type": ["object", "null"],
            "default": {},
            "description": "A part; null switches it off.",
            "properties": {"step": {"enum": [1, 2], "default": 1, "description": "Step."}},
        },
        "models": {
            "type": "array",
            "default": [],
            "description": "Models.",
            "items": {
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "description": "Name."},
                    "folds": {"type": "array", "default": [0], "description": "Folds."},
                },
            },
        },
        "site": {
            "type": ["object", "null"],
            "default": None,
            "description": "By site.",
            "properties": {"test": {"default": "each", "const": "each", "description": "Sites."}},
        },
    }
}


def test_config_yaml_is_what_the_schema_says():
    written = (ROOT / "config/config.yaml").read_text(encoding="utf-8")
    expected = GENERATOR["config_yaml"](GENERATOR["load_schema"]())
    assert written == expected, "config/config.yaml differs from the schema: run `make config`"


def test_config_yaml_holds_the_defaults():
    given = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    assert load_config(given) == load_config({})


def test_a_section_is_written_out_and_what_is_off_stands_behind_a_hash():
    text = GENERATOR["config_yaml"](SCHEMA)
    assert yaml.safe_load(text) == {"seed": 7, "part": {"step": 1}, "models": [], "site": None}
    assert text.split("\n\n", 1)[1].splitlines() == [
        "seed: 7 # The seed.",
        "",
        "part: # A part; null switches it off.",
        "  step: 1 # Step.",
        "",
        "models: [] # Models.",
        "#   - name: … # Name.",
        "#     folds: [0] # Folds.",
        "site: null # By site.",
        "#   test: each # Sites.",
    ]


def test_a_comment_that_is_too_long_for_its_line_stands_above_it():
    words = "word " * 30
    part = {"default": 1, "description": words.strip()}
    lines = GENERATOR["config_yaml"]({"properties": {"key": part}}).splitlines()[-3:]
    assert lines[-1] == "key: 1"
    assert " ".join(line.removeprefix("# ") for line in lines[:-1]) == words.strip()
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    "row",
    [
        "| `seed` | `7` | integer (≥ 0) | The seed. |",
        "| `part.step` | `1` | `1`, `2` | Step. |",
        "| `models[].name` | — | string | Name. |",
        "| `site.test` | `each` | `each` | Sites. |",
    ],
)
def test_the_reference_page_has_a_row_for_every_key_at_every_depth(row):
    assert row in GENERATOR["reference_page"](SCHEMA).splitlines()
