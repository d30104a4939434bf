"""The section of the training: cautions stand where the arms that they are about were fitted."""

from helpers.report import render


def without(results, *words):
    metrics = results.metrics
    for word in words:
        metrics = metrics[~metrics["arm"].str.contains(word)]
    return metrics


def test_smote_carries_its_caution_and_only_where_it_was_used(results):
    caution = "SMOTE</strong> makes lesions that no patient has"
    assert caution in render(results)
    assert "10.1093/jamia/ocac093" in render(results)
    assert caution not in render(results, metrics=without(results, "smote"))


def test_densenet_had_fewer_patients_than_the_classifiers_and_the_report_says_so(results):
    splits = results.splits.copy()
    trained = splits.index[splits["role"] == "train"][0]
    splits.loc[trained, "role"] = "validation"
    assert "DenseNet-121 had fewer patients" in render(results, splits=splits)
    everyone = splits.assign(role=splits["role"].replace("validation", "train"))
    page = render(results, splits=everyone)
    assert "DenseNet-121 had fewer patients" not in page
    assert "learned from the same patients as the classifiers" in page
    metrics = without(results, "densenet")
    assert "DenseNet-121</strong> learned" not in render(results, splits=splits, metrics=metrics)


def test_what_counted_alike_is_said_with_the_classifiers_that_cannot_weigh(results):
    assert "Lesions counted alike, as in the paper" in render(results)
    config = results.config | {"classification": {"weigh": "patients"}}
    page = render(results, config=config)
    assert "Patients counted alike" in page
    assert "cannot weigh lesions: K-nearest neighbours." in page
    assert "DenseNet-121 counted lesions alike." in page


def test_the_level_of_youdens_threshold_is_said(results):
    assert "Youden’s threshold is the best for" not in render(results)
    evaluation = results.config["evaluation"] | {
        "threshold": "youden",
        "threshold_level": "patient",
    }
    page = render(results, config=results.config | {"evaluation": evaluation})
    assert "patients, by the mean score of their lesions" in page
