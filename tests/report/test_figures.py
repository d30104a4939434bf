"""Figures: every promised file, widths of journals, and the same bytes twice."""

import json
import logging
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.prediction_tables import make_history, write_slices
from livermets.predictions.predictions_table import with_scheme
from livermets.report.figures import style
from livermets.report.figures.all_figures import DRAW_SCHEME, FigureData, draw_figures
from livermets.report.figures.confusion import draw_confusion
from livermets.report.figures.lesions import WIDTH, _blocks, draw_lesion_map
from livermets.report.figures.style import class_colours
from livermets.study.outputs import FIGURE_FILES, SCHEME_FIGURES, figure_names
from PIL import Image

SCHEMES = ["holdout", "cv"]


@pytest.fixture(scope="module")
def slices(study, tmp_path_factory) -> list:
    paths = write_slices(tmp_path_factory.mktemp("slices"), study.cohort)
    paths[0].write_bytes(b"")  # what an excluded patient leaves
    return paths


@pytest.fixture(scope="module")
def drawn(study, tmp_path_factory, slices) -> list:
    folder = tmp_path_factory.mktemp("drawn")
    return draw(study, folder, slices=slices, training=make_history())


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


def test_every_promised_figure_is_written_and_two_runs_give_the_same_bytes(
    study, tmp_path, slices, drawn
):
    again = draw(study, tmp_path, slices=slices, training=make_history())
    assert [path.stem for path in drawn] == figure_names(SCHEMES, images=True)
    files = sorted(drawn[0].parent.iterdir())
    assert [path.name for path in files] == sorted(
        f"{path.stem}.{ending}" for path in drawn for ending in FIGURE_FILES
    )
    for path in files:
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name
    assert len(drawn) == len(again)


def test_figures_are_as_wide_as_columns_of_a_journal_in_every_format(drawn):
    for path in drawn:
        page = ET.parse(path).getroot()
        assert "<dc:date>" not in path.read_text()
        width_mm = float(page.get("width").removesuffix("pt")) / 72 * 25.4
        assert round(width_mm) in (84, 174), path.name
        box = re.search(
            rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", path.with_suffix(".pdf").read_bytes()
        )
        assert float(box[1]) / 72 * 25.4 == pytest.approx(width_mm, abs=0.1)
        with Image.open(path.with_suffix(".png")) as image:
            assert image.width / 300 * 25.4 == pytest.approx(width_mm, abs=0.2)
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_fonts_are_embedded_as_truetype_and_captions_are_one_sentence_or_more(drawn):
    for path in drawn:
        pdf = path.with_suffix(".pdf").read_bytes()
        assert b"/FontFile2" in pdf, path.name
        assert b"/Type3" not in pdf, path.name
        caption = path.with_suffix(".txt").read_text()
        assert re.fullmatch(r"[A-Z][^\n{}]+\.\n", caption), (path.name, caption)


def test_all_colours_with_a_meaning_are_okabe_itos():
    okabe_ito = {
        "#000000",
        "#e69f00",
        "#56b4e9",
        "#009e73",
        "#f0e442",
        "#0072b2",
        "#d55e00",
        "#cc79a7",
    }
    used = {style.POSITIVE, *style.NEGATIVES, *style.CYCLE, *style.RESAMPLING_COLOURS.values()}
    assert {colour.lower() for colour in used} <= okabe_ito


def test_the_values_for_the_pointer_are_those_of_the_drawn_curve(study, drawn):
    (file,) = (path for path in drawn if path.stem == "roc_cv")
    panels = json.loads(file.with_suffix(".json").read_text())["panels"]
    (panel,) = (panel for panel in panels if panel["title"] == "K-nearest neighbours")
    (curve,) = (curve for curve in panel["curves"] if curve["name"].startswith("as is"))
    auc = study.metrics.query(
        "arm == 'knn-none' and scheme == 'cv' and level == 'patient' and metric == 'auc'"
    )["value"].item()
    assert np.trapezoid(curve["y"], curve["x"]) == pytest.approx(auc, abs=0.01)
    left, top, width, height = panel["box"]
    assert 0 < left < left + width < 1 and 0 < top < top + height < 1
    assert (panel["xlabel"], panel["ylabel"]) == ("1 − specificity", "Sensitivity")


def test_a_scheme_without_predictions_says_so(study, tmp_path):
    holdout = study.predictions[study.predictions["split"] == "holdout"]
    paths = draw(study, tmp_path, predictions=holdout)
    assert all(path.stat().st_size for path in paths)
    assert not (tmp_path / "examples.svg").exists()


def test_a_target_prevalence_moves_the_decision_curves_alone(study, tmp_path):
    cv = study.predictions.query("arm == 'knn-none' and split != 'holdout'")
    own, target = (
        draw(study, tmp_path / name, predictions=cv, schemes=["cv"], target_prevalence=prevalence)
        for name, prevalence in (("own", None), ("target", 0.1))
    )
    changed = [one.name for one, two in zip(own, target, strict=True)
               if one.read_bytes() != two.read_bytes()]  # fmt: skip
    assert changed == ["decision_cv.svg"]
    caption = target[own.index(own[0].with_name("decision_cv.svg"))].with_suffix(".txt").read_text()
    assert "10% of the patients" in caption


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


def test_the_embedding_of_fonts_writes_nothing_to_the_log_of_a_job(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        style.draw_message(tmp_path / "message.svg", "There is nothing to draw.")
    assert (tmp_path / "message.pdf").stat().st_size
    assert not [record for record in caplog.records if record.name.startswith("fontTools")]
