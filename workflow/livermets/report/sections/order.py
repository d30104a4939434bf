"""The sections of the report in the order of the page."""

from livermets.report.main_result import main_scheme
from livermets.report.sections import (
    by_size,
    example_lesions,
    excluded_patients,
    explanation,
    feature_importance,
    flow_diagram,
    front_page,
    heterogeneity,
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
    run_times,
    sample_size,
    sites,
    software,
    subgroups,
    training,
)
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults


def header() -> Section:
    """The section that stands under the page's title."""
    return front_page.SECTION


def sections(results: StudyResults) -> list[Section]:
    """The sections below the header, folded, in the order in which a reviewer asks.

    There is one section of results for each scheme, the one of the main result first.
    """
    first = main_scheme(results.schemes)
    schemes = [first, *(scheme for scheme in results.schemes if scheme != first)]
    return [
        reviewer_questions.SECTION,
        # who was studied
        flow_diagram.SECTION,
        excluded_patients.SECTION,
        patients.SECTION,
        sites.SECTION,
        sample_size.SECTION,
        # whether images and divisions can be trusted
        masks.SECTION,
        mask_correction.SECTION,
        example_lesions.SECTION,
        leakage_audit.SECTION,
        # what was found
        *(results_by_scheme.section(scheme) for scheme in schemes),
        by_size.SECTION,
        negative_controls.SECTION,
        subgroups.SECTION,
        heterogeneity.SECTION,
        explanation.SECTION,
        feature_importance.SECTION,
        radiomics.SECTION,
        # how it was done
        training.SECTION,
        methods.SECTION,
        software.SECTION,
        run_times.SECTION,
        references.SECTION,
    ]
