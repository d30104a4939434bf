"""The section of the training: cautions stand where the arms that they are about were fitted."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from helpers.prediction_tables import make_history, write_slices
from helpers.report import render
from livermets.report.figures.lesions import draw_examples
from livermets.report.figures.training_curves import draw_training_curves, kept_epochs


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


def lines_of(path) -> int:
    """Number of curves of a figure: paths with as many points as there are epochs."""
    paths = ET.parse(path).iter("{http://www.w3.org/2000/svg}path")
    drawn = (path.get("d") for path in paths if "fill: none" in path.get("style", ""))
    return sum(points.count("L") == 11 for points in drawn)


def test_each_split_has_a_curve_of_training_and_of_validation(tmp_path):
    history = make_history()
    assert lines_of(draw_training_curves(history, 2, tmp_path / "all.svg")) == 6
    alone = history.assign(valid_loss=np.nan)
    assert lines_of(draw_training_curves(alone, 2, tmp_path / "alone.svg")) == 3


def test_the_epoch_kept_is_the_last_one_that_was_the_best():
    history = make_history()
    assert kept_epochs(history)["epoch"].tolist() == [6, 6, 6]
    assert history.groupby("split")["valid_loss"].idxmin().map(history["epoch"]).eq(6).all()


def test_the_report_shows_the_curves_and_the_epochs(results, tmp_path):
    figures = tmp_path / "figures"
    draw_training_curves(make_history(), 2, figures / "training.svg")
    page = render(results, training=make_history(), figures=figures)
    assert 'alt="Loss of DenseNet-121 by epoch' in page
    row = '<tr><th scope="row">cv1-fold2</th><td class="n">12</td><td class="n">6</td>'
    assert (
        f'{row}<td class="n">0.33</td><td class="n">0.59</td><td class="n">0.75</td></tr>' in page
    )
    assert "Loss of DenseNet-121" not in render(results)


def test_what_densenet_counts_alike_is_said_where_it_differs_from_the_classifiers(results):
    assert "DenseNet-121 counted" not in render(results)
    config = results.config | {"densenet": {"weigh": "patients"}}
    assert "DenseNet-121 counted patients alike." in render(results, config=config)
    both = config | {"classification": {"weigh": "patients"}}
    assert "DenseNet-121 counted" not in render(results, config=both)


def test_weights_and_images_that_are_not_the_papers_are_said(results):
    page = render(results)
    assert "other images than in the paper" not in page
    assert "started from the weights" not in page
    densenet = {"weights": {"path": "files/imagenet.pth", "sha256": "0123456789abcdef" * 4}}
    slices = {"size": 64, "width": 330, "surroundings": "kept", "neighbours": 1}
    page = render(results, config=results.config | {"densenet": densenet, "slices": slices})
    assert "started from the weights in imagenet.pth" in page
    assert "0123456789ab…" in page
    assert (
        "other images than in the paper: images of 64 × 64 pixels; the surroundings kept; "
        "neighbouring slices as channels (1 above, 1 below)." in " ".join(page.split())
    )


@pytest.mark.parametrize("channels", [3, 5])
def test_example_lesions_show_the_slice_itself_and_not_its_neighbours(study, tmp_path, channels):
    alone = write_slices(tmp_path / "alone", study.cohort)
    stacked = tmp_path / "stacked"
    stacked.mkdir()
    for file in alone:
        arrays = dict(np.load(file))
        images = np.zeros((len(arrays["images"]), channels, 224, 224), np.uint8)
        images[:, channels // 2] = arrays["images"]
        np.savez(stacked / file.name, **arrays | {"images": images})
    labels = dict(zip(study.cohort["patient"], study.cohort["label"], strict=True))
    classes = sorted(set(labels.values()))
    drawn = [
        draw_examples(sorted(folder.glob("*.npz")), labels, classes, 1, folder / "examples.png")
        for folder in (tmp_path / "alone", stacked)
    ]
    assert drawn[0].read_bytes() == drawn[1].read_bytes()
