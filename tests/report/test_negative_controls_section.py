"""Negative controls in the report: each is shown where it was run, and absence has its reason."""

from helpers.report import render
from livermets.evaluation.evaluate import REFERENCE

TEST = {"scheme": "cv", "permutations": 20} | {
    "patient": {"auc": 0.81, "p": 1 / 21, "mean": 0.5, "low": 0.3, "high": 0.7}
}


def controlled(results, *controls, **changes):
    return render(results, config=results.config | {"controls": list(controls)}, **changes)


def test_a_study_without_a_volume_says_that_its_control_could_not_be_run(results):
    metrics = results.metrics[results.metrics["arm"] != REFERENCE]
    page = controlled(results, "volume_only", metrics=metrics)
    assert "so the control volume_only could not be\nrun.</p>" in page
    assert "beside its controls" not in page
    assert "could not be\nrun" not in controlled(results, "volume_only")


def test_the_permutation_test_gives_its_p_value_and_the_least_one_that_it_can_give(results):
    page = controlled(results, "permutation_test", permutation_test=TEST)
    assert "20 permutations can give is\n0.048." in page
    assert "its AUC is <strong>0.81</strong>" in page
    assert "permutations can give" not in controlled(results, "volume_only")
