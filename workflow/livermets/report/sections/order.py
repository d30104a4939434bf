"""The sections of the report in the order of the page."""

from livermets.report.sections import (
    by_size,
    example_lesions,
    excluded_patients,
    feature_importance,
    flow_diagram,
    leakage_audit,
    mask_correction,
    masks,
    methods,
    negative_controls,
    patients,
    radiomics,
    references,
    results_by_scheme,
    reviewer_questions,
    sample_size,
    sites,
    software,
    study_summary,
    subgroups,
    training,
)
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults


def header() -> Section:
    """The section that stands under the page's title."""
    return study_summary.SECTION


def sections(results: StudyResults) -> list[Section]:
    """The sections below the header; there is one section of results for each scheme."""
    return [
        reviewer_questions.SECTION,
        flow_diagram.SECTION,
        leakage_audit.SECTION,
        patients.SECTION,
        sites.SECTION,
        sample_size.SECTION,
        example_lesions.SECTION,
        feature_importance.SECTION,
        radiomics.SECTION,
        *(results_by_scheme.section(scheme) for scheme in results.schemes),
        by_size.SECTION,
        subgroups.SECTION,
        negative_controls.SECTION,
        excluded_patients.SECTION,
        masks.SECTION,
        mask_correction.SECTION,
        training.SECTION,
        methods.SECTION,
        software.SECTION,
        references.SECTION,
    ]
