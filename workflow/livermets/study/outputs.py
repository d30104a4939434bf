"""Names of the files that evaluation and report write, known before anything has run."""

from collections.abc import Sequence

SCHEME_FIGURES = (
    "roc",
    "roc_lesion",
    "forest",
    "confusion",
    "lesions",
    "calibration",
    "decision",
    "subgroups",
    "by_size",
)
LEVELS = {
    "patient": "patient",
    "lesion_weighted": "lesion, each patient alike",
    "lesion": "lesion",
}  # level of evaluation -> title, the headline first


def table_names(classes: Sequence[str]) -> list[str]:
    """The tables that `write_tables` writes; one_vs_rest with three or more classes."""
    names = ["table1", "table2", "table3", "differences", "confusion"]
    return names + ["one_vs_rest"] * (len(classes) > 2)


def figure_names(schemes: Sequence[str], images: bool) -> list[str]:
    """The files that `draw_figures` writes for these schemes; `images` where there are slices."""
    names = [f"{figure}_{scheme}.svg" for scheme in schemes for figure in SCHEME_FIGURES]
    return ["flow.svg", "main_result.svg", *names] + ["examples.png", "training.svg"] * images
