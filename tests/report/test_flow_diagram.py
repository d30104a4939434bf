"""The flow diagram."""

import xml.etree.ElementTree as ET

from helpers.classes import CLASSES
from helpers.run_study import ROOT
from livermets.core.code_digest import files_read
from livermets.report.flow_diagram import draw_flow
from livermets.report.patient_flow import flow_steps


def test_the_flow_of_a_feature_table_has_no_images(study, tmp_path):
    cohort = study.cohort[study.cohort["included"]][["patient", "label", "included"]]
    cohort = cohort.assign(stage="", reason="", n_lesions=3)
    steps, _ = flow_steps(cohort, study.splits, CLASSES, from_features=True)
    assert [step.title for step in steps] == [
        "Feature table: 14 patients",
        "Analysed: 14 patients, 42 lesions",
    ]
    path = draw_flow(
        tmp_path / "flow.svg",
        cohort=cohort,
        splits=study.splits,
        classes=CLASSES,
        from_features=True,
    )
    ET.parse(path)


def test_the_flow_escapes_what_a_person_wrote(study, tmp_path):
    path = draw_flow(
        tmp_path / "flow.svg", cohort=study.cohort, splits=study.splits, classes=CLASSES
    )
    assert "&lt;b&gt;&amp;" in path.read_text()
    ET.parse(path)


def test_a_change_of_the_pages_template_draws_no_figure_anew():
    names = {file.name for file in files_read(ROOT / "workflow/scripts/report/draw_figures.py")}
    assert "flow_diagram.py" in names
    assert "report.html.j2" not in names
    page = {file.name for file in files_read(ROOT / "workflow/scripts/report/render_report.py")}
    assert "report.html.j2" in page
