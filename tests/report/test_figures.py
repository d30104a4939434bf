"""Figures: every promised file, and the same bytes twice."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.prediction_tables import make_history, write_slices
from livermets.predictions.predictions_table import with_scheme
from livermets.report.figures.all_figures import DRAW_SCHEME, FigureData, draw_figures
from livermets.report.figures.confusion import draw_confusion
from livermets.report.figures.lesions import WIDTH, _blocks, draw_lesion_map
from livermets.report.figures.style import class_colours
from livermets.study.outputs import SCHEME_FIGURES, figure_names

SCHEMES = ["holdout", "cv"]


@pytest.fixture(scope="module")
def slices(study, tmp_path_factory) -> list:
    paths = write_slices(tmp_path_factory.mktemp("slices"), study.cohort)
    paths[0].write_bytes(b"")  # what an excluded patient leaves
    return paths


def draw(study, folder, **changes) -> list:
    data = FigureData(
        predictions=study.predictions,
        metrics=study.metrics,
        confusion=study.confusion,
        cohort=study.cohort,
        splits=study.splits,
        schemes=SCHEMES,
        classes=CLASSES,
        positive=POSITIVE,
        seed=1,
    )
    return draw_figures(folder, replace(data, **changes))


def test_every_figure_of_a_scheme_has_a_function():
    assert list(DRAW_SCHEME) == list(SCHEME_FIGURES)


def test_every_promised_figure_is_written_and_two_runs_give_the_same_bytes(study, tmp_path, slices):
    first = draw(study, tmp_path / "one", slices=slices, training=make_history())
    again = draw(study, tmp_path / "two", slices=slices, training=make_history())
    assert [path.name for path in first] == figure_names(SCHEMES, images=True)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        path.name for path in first
    )
    for one, two in zip(first, again, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
        if one.suffix == ".svg":
            ET.parse(one)
            assert "<dc:date>" not in one.read_text()


def test_a_scheme_without_predictions_says_so(study, tmp_path):
    holdout = study.predictions[study.predictions["split"] == "holdout"]
    paths = draw(study, tmp_path, predictions=holdout)
    assert all(path.stat().st_size for path in paths)
    assert not (tmp_path / "examples.png").exists()


def test_a_target_prevalence_moves_the_decision_curves_alone(study, tmp_path):
    cv = study.predictions.query("arm == 'knn-none' and split != 'holdout'")
    own, target = (
        draw(study, tmp_path / name, predictions=cv, schemes=["cv"], target_prevalence=prevalence)
        for name, prevalence in (("own", None), ("target", 0.1))
    )
    changed = [one.name for one, two in zip(own, target, strict=True)
               if one.read_bytes() != two.read_bytes()]  # fmt: skip
    assert changed == ["decision_cv.svg"]


def test_the_lesion_map_wraps_many_lesions_without_splitting_a_patient():
    keys = [("a", f"P{p}") for p in range(78) for _ in range(17)]
    blocks = _blocks(keys)
    assert [start for start, _ in blocks[1:]] == [stop for _, stop in blocks[:-1]]
    assert blocks[0][0] == 0
    assert blocks[-1][1] == len(keys)
    assert all(stop - start <= WIDTH for start, stop in blocks)
    assert all(keys[stop - 1] != keys[stop] for _, stop in blocks[:-1])
    assert _blocks([("a", "P1")] * (WIDTH + 50)) == [(0, WIDTH + 50)]


def test_the_lesion_map_takes_unscored_lesions(study, tmp_path):
    table = with_scheme(study.predictions[study.predictions["split"] == "holdout"])
    first = table["patient"].iloc[0]
    part = table[(table["arm"] != "densenet121") | (table["patient"] != first)]
    path = draw_lesion_map(part, CLASSES, POSITIVE, 0.5, tmp_path / "map.svg")
    assert path.stat().st_size


def test_confusion_matrices_of_many_arms_fit_a_page(study, tmp_path):
    one = study.confusion[study.confusion["scheme"] == "cv"]
    many = pd.concat([one[one["arm"] == "knn-none"].assign(arm=f"arm{i}") for i in range(40)])
    ET.parse(draw_confusion(many, CLASSES, tmp_path / "confusion.svg"))


def test_classes_have_different_colours():
    colours = class_colours(["a", "b", "c", "d"], "c")
    assert len(set(colours.values())) == 4
