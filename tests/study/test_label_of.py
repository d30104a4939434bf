"""Labels of lesions: which studies may have them, and the label of a patient with several."""

import pytest
from livermets.core.errors import BadInput
from livermets.study.config import load_config
from livermets.study.patient_labels import classes_of, patient_groups, patient_label

TABLE = {"label_of": "lesion", "features": "mine.csv", "patients": None}


def test_the_label_belongs_to_the_patient_unless_the_config_says_otherwise():
    assert load_config({})["label_of"] == "patient"
    assert load_config(TABLE)["label_of"] == "lesion"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (TABLE | {"patients": "sheet.tsv"}, ("patients: null", "clinical_")),
        (TABLE | {"controls": ["permuted_labels"]}, ("`controls`", "leave the key out")),
        (TABLE | {"controls": ["permutation_test"]}, ("`controls`", "leave the key out")),
        (TABLE | {"heterogeneity": {}}, ("`heterogeneity`", "leave the key out")),
        (TABLE | {"pooling": {"patient": ["largest"]}}, ("`pooling.patient`", "leave the key")),
        (
            TABLE | {"evaluation": {"threshold_level": "patient"}},
            ("`evaluation.threshold_level`", "leave the key out"),
        ),
        (
            {"label_of": "lesion", "splits": {"site": {"test": "each"}}},
            ("`splits.site`", "leave the key out"),
        ),
        ({"classes": ["a + b", "c"], "positive": "c"}, ("'a + b'", "' + '", "rename the class")),
    ],
    ids=[
        "with a sheet",
        "labels permuted over patients",
        "permutation test",
        "heterogeneity by class",
        "patients pooled",
        "threshold of patients",
        "sites in turn",
        "class named like two",
    ],
)
def test_what_needs_one_label_of_a_patient_is_refused_with_the_key_and_the_remedy(given, words):
    with pytest.raises(BadInput) as refusal:
        load_config(given)
    for word in words:
        assert word in str(refusal.value)


def test_lesion_volume_may_be_set_beside_where_lesions_carry_the_label():
    assert load_config(TABLE | {"controls": ["volume_only"]})["controls"] == ["volume_only"]


def test_the_label_of_a_patient_names_each_class_of_the_lesions_once_in_any_order():
    label = patient_label(["malignant", "benign", "malignant"])
    assert label == patient_label(["benign", "malignant"]) == "benign + malignant"
    assert classes_of(label) == ["benign", "malignant"]
    assert patient_groups(["b", "a + b", "a"], ["b", "a"]) == ["b", "a", "a + b"]
