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
FIGURE_FILES = ("svg", "pdf", "png", "txt", "json")  # endings of a figure's files: the drawing in
# three formats, its caption, and the values of its curves for the page
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
    """The figures that `draw_figures` draws for these schemes; `images` where there are slices."""
    names = [f"{figure}_{scheme}" for scheme in schemes for figure in SCHEME_FIGURES]
    return ["flow", "main_result", *names] + ["examples", "training"] * images
