"""Which arms are explained, and whose patients are scored without each lesion."""

import pytest
from livermets.core.errors import BadInput
from livermets.study.explanation import lesion_arms, shap_arms

CLASSIFIERS = ["knn-none", "svm-smote"]
ARMS = [*CLASSIFIERS, "selected", "baseline_volume", "densenet121", "selected~largest"]


def test_the_selected_arm_is_explained_and_without_it_every_classifier():
    assert shap_arms(None, ARMS, CLASSIFIERS) == ["selected"]
    assert shap_arms(None, CLASSIFIERS, CLASSIFIERS) == CLASSIFIERS
    assert shap_arms(["svm-smote", "selected"], ARMS, CLASSIFIERS) == ["svm-smote", "selected"]


@pytest.mark.parametrize("name", ["densenet121", "knn-smote", "baseline_volume"])
def test_an_arm_that_is_no_classifier_of_the_study_is_refused_by_name(name):
    with pytest.raises(BadInput, match=f"'{name}'.*name some of knn-none, svm-smote, selected"):
        shap_arms([name], ARMS, CLASSIFIERS)


def test_lesions_are_left_out_of_explained_arms_and_densenet_by_every_pooling_but_attention():
    arms = [*ARMS, "densenet121~volume", "radiomics~attention", "knn-none~largest3"]
    found = lesion_arms(["selected"], arms)
    assert found == ["selected", "densenet121", "selected~largest", "densenet121~volume"]
