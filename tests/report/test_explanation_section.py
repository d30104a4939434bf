"""Explanation in the report: what the checks of the border mean in words, figures, and tables."""

import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.report import render
from livermets.core.io import write_table
from livermets.explanation.lesion_effects import lesion_effects
from livermets.explanation.map_regions import region_table
from livermets.explanation.shap_summary import summarise_shap
from livermets.predictions.task import Task
from livermets.report.figures.grad_cam import draw_grad_cam, heat
from livermets.report.figures.shap_groups import draw_shap_groups
from livermets.report.sections.occlusion_words import occlusion_words

TASK = Task(CLASSES, POSITIVE)


def occlusion(whole=(0.8, 0.7, 0.9), rim=False, inside=False, outline=(0.5, 0.4, 0.6), why=""):
    """The table of an occlusion; `rim`, `inside`: whether the AUC falls without it."""
    rows = [("as_is", *whole, *[np.nan] * 4, ""), ("silhouette", *outline, *[np.nan] * 4, "")]
    for name, falls in (("rim", rim), ("inside", inside)):
        found = (-0.2, -0.3, -0.1, 0.001) if falls else (-0.02, -0.1, 0.06, 0.6)
        rows.append((name, 0.8 + found[0], 0.5, 0.9, *found, why))
    names = ["variant", "auc", "low", "high", "difference", "difference_low", "difference_high",
             "p", "no_interval"]  # fmt: skip
    table = pd.DataFrame(rows, columns=names)
    return table.assign(scheme="cv", level="patient", n_patients=40)


@pytest.mark.parametrize(
    ("table", "conclusion"),
    [
        pytest.param(occlusion(inside=True), "The black border is not the cue", id="inside"),
        pytest.param(occlusion(rim=True), "It may be the border to the black", id="rim"),
        pytest.param(occlusion(rim=True, inside=True), "needs both the rim and", id="both"),
        pytest.param(occlusion(), "Neither the rim nor the inside is needed", id="neither"),
        pytest.param(
            occlusion(inside=True, outline=(0.7, 0.6, 0.8)),
            "may be the shape or the size of the lesions",
            id="outline",
        ),
        pytest.param(
            occlusion(whole=(0.6, 0.45, 0.7), inside=True), "no cue whose place", id="chance"
        ),
        pytest.param(
            occlusion(whole=(0.6, np.nan, np.nan)), "no cue whose place", id="no interval"
        ),
    ],
)
def test_the_first_sentence_says_what_the_checks_mean_together(table, conclusion):
    assert conclusion in occlusion_words(table)[0]


def test_every_check_has_a_sentence_with_its_number_and_interval():
    words = occlusion_words(occlusion(inside=True))
    assert words[1].startswith("Without the rim the AUC is 0.78 (0.50–0.90), not shown to be lower")
    assert "falls to 0.60" in words[2] and "difference −0.20 (−0.30 to −0.10)" in words[2]
    assert words[3] == "By the outline alone it is 0.50 (0.40–0.60), not shown to be above chance."
    why = occlusion_words(occlusion(why="the two arms rank all pairs alike"))[1]
    assert "no interval, because the two arms rank all pairs alike" in why


def test_the_cross_validation_speaks_where_there_is_a_hold_out_too():
    both = pd.concat([occlusion(rim=True).assign(scheme="holdout"), occlusion(inside=True)])
    assert "The black border is not the cue" in occlusion_words(both)[0]


def maps():
    """Right and wrong calls of one class; of the other right calls alone; one map is empty."""
    rows = [(CLASSES[0], CLASSES[0]), (CLASSES[0], POSITIVE), (POSITIVE, POSITIVE)]
    table = pd.DataFrame(rows, columns=["label", "called"])
    shares = {"map_inside": [0.5, np.nan, 0.2], "map_rim": [0.3, np.nan, 0.3],
              "map_outside": [0.2, np.nan, 0.5], "area_inside": 0.3, "area_rim": 0.3,
              "area_outside": 0.4}  # fmt: skip
    return table.assign(
        split="cv1-fold1", patient=["A", "B", "C"], lesion=1, called_score=0.7, slice=0,
        example=[0, 1, 2], right=[True, False, True], **shares,
    )  # fmt: skip


def write_examples(path):
    rng = np.random.default_rng(0)
    mask = np.zeros((3, 32, 32), bool)
    mask[:, 6:26, 6:26] = True
    images = np.where(mask, rng.integers(90, 150, mask.shape), 0).astype(np.uint8)
    np.savez(path, images=images, masks=mask, maps=rng.uniform(size=mask.shape) * mask)


def test_the_regions_are_means_over_patients_and_lesions_without_a_map_are_counted():
    table = region_table(maps(), CLASSES).set_index(["label", "calls"])
    assert table.loc[("all", "all"), "map_inside"] == pytest.approx(0.35)
    assert table.loc[("all", "all"), "without_map"] == 1
    assert np.isnan(table.loc[(CLASSES[0], "wrong"), "map_rim"])
    assert table.loc[(POSITIVE, "wrong"), "lesions"] == 0
    twice = pd.concat([maps(), maps().query("patient == 'A'").assign(split="cv2-fold1")])
    again = region_table(twice, CLASSES).set_index(["label", "calls"])
    assert again.loc[("all", "all"), "map_inside"] == pytest.approx(0.35)


def test_the_colours_of_the_map_rise_in_lightness_for_any_colour_vision():
    red, green, blue, opaque = heat()(np.linspace(0, 1, 64)).T
    assert (np.diff(0.2126 * red + 0.7152 * green + 0.0722 * blue) > -1e-6).all()
    assert opaque[0] == 0 and (np.diff(opaque) >= 0).all()


@pytest.fixture
def written(tmp_path):
    """The folder of a study's explanation, as its rules write it."""
    write_table(tmp_path / "occlusion.parquet", occlusion(inside=True))
    write_table(tmp_path / "grad_cam.parquet", region_table(maps(), CLASSES))
    write_examples(tmp_path / "examples.npz")
    files = {"cv1-fold1": tmp_path / "examples.npz"}
    draw_grad_cam(maps(), files, CLASSES, tmp_path / "grad_cam.svg")
    rows = [
        ("selected", split, patient, 1, POSITIVE, feature, value, shap)
        for split in ("cv1-fold1", "cv1-fold2")
        for patient, value in (("A", 0.0), ("B", 1.0), ("C", 2.0))
        for feature, shap in (
            ("volume", value - 1),
            ("diameter", 0.1),
            ("texture", 0.1 * (1 - value)),
        )
    ]
    names = ["arm", "split", "patient", "lesion", "label", "feature", "value", "shap"]
    groups = [
        ("selected", split, feature, group)
        for split in ("cv1-fold1", "cv1-fold2")
        for feature, group in (("volume", 1), ("diameter", 1), ("texture", 2))
    ]
    summary, shares = summarise_shap(
        pd.DataFrame(rows, columns=names),
        pd.DataFrame(groups, columns=["arm", "split", "feature", "group"]),
        TASK,
    )
    write_table(tmp_path / "shap.parquet", summary)
    draw_shap_groups(summary, shares, tmp_path / "shap.svg")
    scores = pd.DataFrame(
        [("A", 1, 0.95), ("A", 2, 0.1), ("B", 1, 0.9)], columns=["patient", "lesion", "score"]
    ).assign(arm="selected", split="cv1-fold1", label=POSITIVE)
    write_table(tmp_path / "lesion_effects.parquet", lesion_effects(scores, TASK))
    return tmp_path


def page_of(results, folder):
    settings = {"rim_share": 0.5, "correlation": 0.7}
    config = results.config | {"explanation": settings}
    return " ".join(render(results, explanation=folder, config=config).split())


def test_what_the_models_looked_at_stands_in_the_report(results, written):
    page = page_of(results, written)
    assert "The black border is not the cue" in page
    assert "Example lesions of each class with the map of Grad-CAM" in page
    assert f"{CLASSES[0].capitalize()}, wrong calls" in page
    assert '<td class="n">50% (30%)</td>' in page
    assert "It holds measures of size (diameter, volume): the arm may mostly measure size" in page
    assert "in <strong>1 of 1 patients</strong> with two lesions or more the call changes" in page
    assert "1 patient has a single lesion" in page
    assert '<th scope="row" class="code">volume</th>' in page
    assert '<td class="code">diameter</td>' in page
    for name in ("grad_cam.svg", "shap.svg"):
        ET.parse(written / name)


def test_a_study_without_images_shows_features_and_lesions_alone(results, written):
    for name in ("occlusion.parquet", "grad_cam.parquet"):
        (written / name).unlink()
    page = page_of(results, written)
    assert "Is the black border the cue?" not in page
    assert "Which features made the score: SHAP" in page


def test_where_the_label_belongs_to_the_lesion_no_patient_is_said_to_be_decided(results, written):
    config = {"rim_share": 0.5, "correlation": 0.7}
    config = results.config | {"explanation": config, "label_of": "lesion"}
    page = " ".join(render(results, explanation=written, config=config).split())
    assert "in this study the label belongs to the lesion" in page
    assert "with two lesions or more the call changes" not in page


def test_a_study_that_does_not_ask_for_it_has_no_such_section(results):
    assert "What did the models look at?" not in render(results)
