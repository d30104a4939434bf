"""The configuration and the cohort sheet: defaults filled in, each mistake refused by name."""

from pathlib import Path

import pytest
from livermets.core.errors import BadInput
from livermets.study.cohort_sheet import read_sheet
from livermets.study.config import load_config
from livermets.study.config_schema import load_schema


def test_every_key_of_the_schema_is_described():
    def walk(schema: dict, where: str):
        for key, part in schema.get("properties", {}).items():
            assert part.get("description"), f"{where}{key} has no description"
            walk(part, f"{where}{key}.")
            walk(part.get("items", {}), f"{where}{key}[].")

    walk(load_schema("config"), "")


def test_a_key_left_out_keeps_its_default_at_every_depth():
    config = load_config({"splits": {"cv": {"folds": 3}}})
    assert config["splits"]["cv"] == {"folds": 3, "repeats": 1, "validation": 5}
    assert config["splits"]["holdout"]["test_per_class"] == 4


def test_densenet_stays_on_with_three_classes():
    config = load_config({"classes": ["colorectal", "gastric", "pancreatic"]})
    assert config["densenet"]["epochs"] > 0


def test_null_switches_a_part_off():
    config = load_config({"densenet": None, "splits": {"holdout": None}})
    assert config["densenet"] is None
    assert config["splits"]["holdout"] is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"radiomics": {"fanout": "patient"}}, ["radiomics.fanout", "did you mean `fan_out`"]),
        ({"nonsense": 1}, ["`nonsense`", "known here"]),
        ({"seed": "abc"}, ["`seed`", "integer"]),
        ({"lesions": {"diameter": "widest"}}, ["lesions.diameter", "axial"]),
        ({"positive": "gastric"}, ["positive", "gastric", "colorectal"]),
        ({"patients": None}, ["patients", "features"]),
        ({"splits": {"cv": None, "holdout": None}}, ["splits", "at least one"]),
        (
            {"segmentation": {"models": [{"name": "m", "path": "p", "labels": {}}]}},
            ["segmentation.models.0", "sha256"],
        ),
    ],
    ids=[
        "a key misspelt",
        "an unknown key",
        "a seed that is no number",
        "a value that is not offered",
        "a positive class that is none",
        "neither sheet nor features",
        "no split at all",
        "a model without its hash",
    ],
)
def test_a_bad_config_is_refused_with_the_key_and_a_hint(given, words):
    with pytest.raises(BadInput) as refusal:
        load_config(given)
    for word in words:
        assert word in str(refusal.value)


@pytest.mark.parametrize(
    "lesion", [3, [2, 3], "M1", ["M1", 2], None], ids=["value", "values", "name", "mixed", "none"]
)
def test_labels_of_masks_are_values_names_or_lists_of_both(lesion):
    config = load_config({"masks": {"labels": {"lesion": lesion}}})
    assert config["masks"]["labels"] == {"liver": 1, "lesion": lesion, "ignore": []}


@pytest.mark.parametrize(
    "lesion", [0, [0], 2.5, [], ""], ids=["background", "in a list", "fraction", "none", "no name"]
)
def test_labels_that_no_mask_can_have_are_refused(lesion):
    with pytest.raises(BadInput, match="masks.labels.lesion"):
        load_config({"masks": {"labels": {"lesion": lesion}}})


def sheet(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "patients.tsv"
    path.write_text(text.replace(" ", "\t").replace("~", " "))
    return path


def test_a_good_sheet_comes_back_as_strings_with_all_columns(tmp_path):
    path = sheet(tmp_path, "patient label ct age\n007 colorectal a.nii.gz 61\n")
    table = read_sheet(path, load_config({"clinical": ["age"]}))
    assert table.to_dict("records") == [
        {
            "patient": "007",
            "label": "colorectal",
            "ct": "a.nii.gz",
            "n_slices": "",
            "mask": "",
            "site": "",
            "age": "61",
        }
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patient label ct\nA/B colorectal x\n", ["row 2", "'A/B'", "letters, digits"]),
        ("patient label ct\n.. colorectal x\n", ["row 2", "'..'"]),
        ("patient label ct\nA~B colorectal x\n", ["row 2", "'A B'"]),
        ("patient label ct\nA colorectal x\nA pancreatic y\n", ["row 3", "already in row 2"]),
        ("patient label ct\nA colorectal x\na pancreatic y\n", ["row 3", "already in row 2"]),
        ("patient label ct\nA gastric x\n", ["row 2", "'gastric'", "classes"]),
        ("patient label ct\nA colorectal \n", ["row 2", "patient A", "no `ct`"]),
        ("patient label ct\n colorectal x\n", ["row 2", "''"]),
        ("patient label cct\nA colorectal x\n", ["`cct`", "you mean `ct`"]),
        ("patient label ct stage\nA colorectal x T1\n", ["`stage`", "clinical"]),
        ("patient ct\nA x\n", ["`label`", "missing"]),
        ("patient label ct\n", ["no patient"]),
        ("patient label ct n_slices\nA colorectal x 41.5\n", ["row 2", "'41.5'", "`n_slices`"]),
        (
            "patient label ct unsure\nA colorectal x id~missing\n",
            ["row 2", "unsure who patient A is: id missing", "empty the cell"],
        ),
        ("patient label ct\nA colorectal a{1}|b\n", ["row 2", "patient A", "{1}", "rename"]),
        ("patient label ct mask\nA colorectal x m{n,[a]{2}}\n", ["row 2", "{n,[a]{2}}", "rename"]),
    ],
    ids=[
        "an id with a slash",
        "an id that is a folder",
        "an id with a space",
        "a patient twice",
        "a patient twice in another case",
        "an unknown label",
        "a patient without CT",
        "a row without an id",
        "a misspelt column",
        "a column not named as clinical",
        "no column of labels",
        "no patient",
        "half a slice",
        "a patient of whom a draft is unsure",
        "braces in the path of a CT",
        "braces in the path of a mask",
    ],
)
def test_a_bad_sheet_is_refused_with_the_row_and_a_hint(tmp_path, text, words):
    path = sheet(tmp_path, text)
    with pytest.raises(BadInput) as refusal:
        read_sheet(path, load_config({}))
    for word in [*words, "patients.tsv"]:
        assert word in str(refusal.value)


def test_a_sheet_that_is_not_there_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(BadInput, match="does not exist; write it"):
        read_sheet(tmp_path / "none.tsv", load_config({}))


def test_a_value_that_is_misspelt_is_told_the_nearest_and_no_schema():
    with pytest.raises(BadInput, match=r"'smot'.*did you mean 'smote'"):
        load_config({"classification": {"resampling": ["none", "smot"]}})
    with pytest.raises(BadInput, match="'youdn' cannot be used.*youden"):
        load_config({"evaluation": {"threshold": "youdn"}})
