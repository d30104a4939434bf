"""The file of the configuration: what YAML takes in silence."""

import pytest
from livermets.core.errors import BadInput
from livermets.study.config import load_config
from livermets.study.config_file import refuse_double_keys

TWICE = {
    "a section": ("lesions: {fill_holes: true}\nseed: 1\nlesions: {diameter: sphere}\n", "lesions",
                  "line 1 and again in line 3"),
    "a key of a section": ("lesions:\n  fill_holes: true\n  fill_holes: false\n",
                           "lesions.fill_holes", "line 2 and again in line 3"),
    "a key in a list": ("segmentation:\n  models:\n    - name: a\n      name: b\n",
                        "segmentation.models.name", "line 3 and again in line 4"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "lines"), TWICE.values(), ids=TWICE)
def test_a_key_that_is_there_twice_is_refused_with_both_lines(tmp_path, text, key, lines):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(BadInput, match=f"the key `{key}` stands in {lines}"):
        refuse_double_keys(tmp_path / "config.yaml")


def test_a_key_of_two_sections_is_no_double_key(tmp_path):
    (tmp_path / "config.yaml").write_text("holdout: {test: 1}\ncv: {test: 1}\n# seed: 1\n")
    refuse_double_keys(tmp_path / "config.yaml")
    (tmp_path / "config.yaml").write_text("")
    refuse_double_keys(tmp_path / "config.yaml")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lesions": {"min_diameter_mm": float("nan")}}, "`lesions.min_diameter_mm` is no finite"),
        ({"classes": [True, False]}, "`classes.0` is True, but has to be a text .in quotes"),
        ({"lesions": {"min_diameter_mm": "1e1"}}, "'1e1', but has to be a number, with a decimal"),
        ({"densenet": "None"}, "`densenet` is 'None', but has to be keys with values or null"),
        ("seed 1", "the whole file is 'seed 1', but has to be keys with values"),
    ],
    ids=["NaN", "yes and no", "an exponent", "None", "no colon"],
)
def test_what_yaml_reads_otherwise_than_it_was_meant_is_told_in_words(given, words):
    with pytest.raises(BadInput, match=words):
        load_config(given)
