"""Splits by site or by hand: who is tested, and which divisions are refused."""

import pandas as pd
import pytest
from livermets.core.errors import BadInput
from livermets.splits.patient_splits import ROLES, check_split_names, split_patients
from livermets.study.schemes import split_names

HOLDOUT = {"test_per_class": 4, "validation": 5}


def sited(*sites: str, seed: int = 0) -> pd.DataFrame:
    """Six patients of each of two classes at each site."""
    rows = [(f"{s}{c}{i}", c, s) for s in sites for c in "ab" for i in range(6)]
    return pd.DataFrame(rows, columns=["patient", "label", "site"]).sample(
        frac=1, random_state=seed
    )


def roles_by(splits: pd.DataFrame, split: str) -> dict[str, set]:
    part = splits[splits["split"] == split]
    return {role: set(part.loc[part["role"] == role, "patient"]) for role in ROLES}


def test_each_site_is_tested_in_turn_by_the_others():
    patients = sited("A", "B2", "C_x")
    scheme = {"test": "each", "validation": 3}
    splits = split_patients(patients, None, None, 1, site=scheme)
    expected = ["site-A", "site-B2", "site-C_x"]
    assert list(splits["split"].unique()) == expected
    assert split_names(site=scheme, sites=patients["site"]) == expected
    for name in expected:
        roles = roles_by(splits, name)
        there = patients["site"] == name.removeprefix("site-")
        assert roles["test"] == set(patients.loc[there, "patient"])
        assert len(roles["validation"]) == 3
        assert roles["train"] | roles["validation"] == set(patients.loc[~there, "patient"])


def test_an_external_cohort_is_tested_as_one():
    patients = sited("A", "B", "C")
    scheme = {"test": ["C", "A"], "validation": 2}
    splits = split_patients(patients, HOLDOUT, None, 1, site=scheme)
    assert list(splits["split"].unique()) == split_names(HOLDOUT, None, site=scheme, sites="ABC")
    roles = roles_by(splits, "external")
    assert {name[0] for name in roles["test"]} == {"A", "C"}
    assert len(roles["test"]) == 24
    assert {name[0] for name in roles["train"] | roles["validation"]} == {"B"}


@pytest.mark.parametrize(
    ("change", "schemes", "words"),
    [
        ({}, {"given": True}, ["splits.given needs the column split", "add it"]),
        ({"split": "tset"}, {"given": True}, ["patient Aa0", "'tset'", "write train"]),
        ({"split": ""}, {"given": True}, ["patient Aa0 has an empty cell in the column split"]),
        ({"split": "train"}, {"given": True}, ["split given", "class a to test"]),
        ({"site": None}, {"site": {"test": "each"}}, ["patient Aa0", "column site", "scanned"]),
        ({}, {"site": {"test": ["D"]}}, ["splits.site.test names D", "A, B"]),
        ({}, {"site": {"test": ["A", "B"]}}, ["split external has 0 patients of class a to train"]),
        ({"label": "b"}, {"site": {"test": "each"}}, ["all patients are of one class"]),
    ],
    ids=[
        "no column split",
        "a role misspelt",
        "a role left empty",
        "nobody to test",
        "no column site",
        "a site that is not there",
        "every site to test",
        "one class alone",
    ],
)
def test_a_division_by_hand_that_cannot_be_is_refused(change, schemes, words):
    patients = sited("A", "B").assign(**change)
    with pytest.raises(BadInput) as refusal:
        split_patients(patients, None, None, 1, **schemes)
    for word in words:
        assert word in str(refusal.value)


def test_a_site_of_one_class_is_tested_and_trains_for_the_others():
    patients = sited("A", "B", "C")
    patients = patients[(patients["site"] != "C") | (patients["label"] == "a")]
    splits = split_patients(patients, None, None, 1, site={"test": "each", "validation": 2})
    assert list(splits["split"].unique()) == ["site-A", "site-B", "site-C"]
    roles = roles_by(splits, "site-C")
    assert roles["test"] == {f"Ca{i}" for i in range(6)}
    assert {name[:2] for name in roles["train"]} == {"Aa", "Ab", "Ba", "Bb"}
    roles = roles_by(splits, "site-A")
    assert {f"Ca{i}" for i in range(6)} <= roles["train"] | roles["validation"]


def test_a_site_without_which_a_class_is_gone_trains_and_is_not_tested():
    patients = sited("A", "B", "C")
    patients = patients[(patients["site"] == "A") | (patients["label"] == "a")]
    splits = split_patients(patients, None, None, 1, site={"test": "each", "validation": 0})
    assert list(splits["split"].unique()) == ["site-B", "site-C"]
    for split in ("site-B", "site-C"):
        assert {f"Ab{i}" for i in range(6)} <= roles_by(splits, split)["train"]


def test_sites_of_which_none_can_be_tested_are_refused():
    patients = sited("A", "B")
    patients = patients[(patients["site"] == "A") == (patients["label"] == "a")]
    with pytest.raises(BadInput, match="no site can be tested in turn, because without its patien"):
        split_patients(patients, None, None, 1, site={"test": "each", "validation": 0})


def test_an_external_cohort_of_one_class_is_refused_by_name():
    patients = sited("A", "B")
    patients = patients[(patients["site"] == "A") | (patients["label"] == "a")]
    with pytest.raises(BadInput, match="split external has 0 patients of class b to test"):
        split_patients(patients, None, None, 1, site={"test": ["B"], "validation": 0})


def test_a_planned_split_whose_patients_are_gone_is_named():
    splits = split_patients(sited("A", "B"), None, None, 1, site={"test": "each", "validation": 0})
    check_split_names(splits, ["site-A", "site-B"])
    with pytest.raises(BadInput, match="no included patient is left to test in the split site-C"):
        check_split_names(splits, ["site-A", "site-B", "site-C"])
