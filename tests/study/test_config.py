"""The configuration: defaults filled in, each mistake refused by name."""

import pytest
from livermets.core.errors import BadInput
from livermets.study.config import load_config
from livermets.study.config_schema import RENAMED, load_schema


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
        ({"seed": "abc"}, ["`seed`", "whole number"]),
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


LIVER = {"name": "organs", "path": "p", "sha256": "0" * 64, "labels": {"liver": 5}}
LEUVEN = {
    **{"name": "m", "kind": "leuven", "package": "p==1", "sha256": "0" * 64},
    "labels": {"liver": 1, "lesion": 2},
}


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ([{**LIVER, "min_probability": 0.7}], ["model organs", "nnunet", "`min_probability`"]),
        ([{**LEUVEN, "mirroring": True}], ["model m", "leuven", "`mirroring`", "remove"]),
        ([{**LEUVEN, "labels": {"liver": 5}}], ["liver: 1 and lesion: 2"]),
        ([{**LEUVEN, "url": "https://example.org/m.zip"}], ["`url` and a `package`"]),
        ([{**LEUVEN, "labels": {"lesion": 2}}], ["no model before it", "liver: 1"]),
        (
            [{**LIVER, "only_locates": True}, {**LEUVEN, "labels": {"lesion": 2}}],
            ["no model before it"],
        ),
    ],
    ids=[
        *("min_probability of an nnU-Net", "mirroring of leuven", "other labels of leuven"),
        *("two sources", "lesions without a liver", "a liver that only locates"),
    ],
)
def test_a_segmentation_model_with_keys_that_it_cannot_use_is_refused(models, words):
    with pytest.raises(BadInput) as refusal:
        load_config({"segmentation": {"models": models}})
    for word in words:
        assert word in str(refusal.value)


def test_a_chain_may_mix_the_kinds_of_models():
    models = [LIVER, {**LEUVEN, "labels": {"lesion": 2}, "min_probability": 0.7}]
    chain = load_config({"segmentation": {"models": models}})["segmentation"]["models"]
    assert [model["kind"] for model in chain] == ["nnunet", "leuven"]


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


def test_a_value_that_is_misspelt_is_told_the_nearest_and_no_schema():
    with pytest.raises(BadInput, match=r"'smot'.*did you mean 'smote'"):
        load_config({"classification": {"resampling": ["none", "smot"]}})
    with pytest.raises(BadInput, match="'youdn' cannot be used.*youden"):
        load_config({"evaluation": {"threshold": "youdn"}})


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_key_is_refused_with_its_new_name(old):
    *groups, key = old.split(".")
    given = {key: 1}
    for group in groups:
        given = {group: given}
    with pytest.raises(BadInput, match=f"`{old}` is not a key; it is called `{RENAMED[old]}` now"):
        load_config(given)


@pytest.mark.parametrize("new", RENAMED.values())
def test_the_new_name_of_a_key_is_in_the_schema(new):
    schema = load_schema("config")
    for part in new.split("."):
        schema = schema["properties"][part]


def test_the_old_name_of_the_control_is_refused_with_its_new_name():
    with pytest.raises(BadInput, match="it is called `permuted_labels` now"):
        load_config({"controls": ["shuffled_labels"]})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"masks": {"compare_masks": True}}, "masks.compare_uncorrected"),
        ({"correlation": 0.5}, "classification.max_correlation"),
        ({"imaging": {"corrections": "c"}}, "masks.corrections"),
    ],
    ids=["in its new group", "without its group", "in another group"],
)
def test_an_old_key_at_another_place_is_asked_about(given, meant):
    with pytest.raises(BadInput, match=f"did you mean `{meant}`"):
        load_config(given)


def test_mistakes_stand_side_by_side_as_sentences():
    with pytest.raises(BadInput) as refusal:
        load_config({"seeds": 1, "evaluation": {"draws": 100}})
    assert str(refusal.value) == (
        "config: `seeds` is not a key; did you mean `seed`? `evaluation.draws` is not a key; "
        "intervals need no random draws any more; remove the line."
    )
