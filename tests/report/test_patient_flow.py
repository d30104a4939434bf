"""Patient flow: every patient and lesion is counted."""

from helpers.classes import CLASSES
from livermets.report.patient_flow import flow_steps


def test_the_flow_counts_every_patient_and_lesion(study):
    steps, schemes = flow_steps(study.cohort, study.splits, CLASSES)
    sheet, masks, kept = steps
    assert sheet.title == "Cohort sheet: 16 patients"
    assert sheet.exclusion_title == "Excluded: 2 patients"
    assert "1 at the import of the CT:" in sheet.exclusions
    used = study.cohort[study.cohort["included"]]
    assert kept.title == f"Analysed: 14 patients, {used['n_lesions'].sum():.0f} lesions"
    assert f"{used['n_components'].sum():.0f} lesions found" in masks.lines
    assert masks.exclusion_title == f"Dropped: {used['n_dropped'].sum():.0f} lesions"
    assert [scheme.title for scheme in schemes] == [
        "Hold-out",
        "Cross-validation: 5 folds, 2 repeats",
    ]
    assert any(line.startswith("test: 8 patients") for line in schemes[0].lines)


def test_a_patient_without_a_lesion_leaves_the_flow_after_the_lesions(study):
    cohort = study.cohort.copy()
    cohort.loc[0, ["included", "stage", "reason", "n_lesions"]] = [False, "lesions", "none", 0]
    steps, _ = flow_steps(cohort, study.splits, CLASSES)
    assert steps[0].exclusion_title == "Excluded: 2 patients"
    assert "1 patient without a lesion to classify" in steps[1].exclusions


def test_patients_left_out_by_the_configuration_are_in_the_flow_with_their_reason(study):
    cohort = study.cohort.copy()
    cohort.loc[0, ["included", "stage", "reason"]] = [False, "config", "same scan as P02"]
    steps, _ = flow_steps(cohort, study.splits, CLASSES)
    assert steps[0].exclusion_title == "Excluded: 3 patients"
    assert steps[0].exclusions[:2] == [
        "1 by `exclude` in the configuration:",
        "– same scan as P02 (1)",
    ]
    table, analysed = flow_steps(cohort, study.splits, CLASSES, from_features=True)[0]
    assert table.title == "Feature table: 16 patients"
    assert table.exclusion_title == "Excluded: 3 patients"
    assert analysed.title.startswith("Analysed: 13 patients")
