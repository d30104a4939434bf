"""All figures of the study from its tables, under the names that `arms.figure_names` gives."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from livermets.cohort.cohort_table import read_cohort
from livermets.predictions.predictions_table import read_predictions, with_scheme
from livermets.report.figures.confusion import draw_confusion
from livermets.report.figures.curves import draw_calibration, draw_decision, draw_roc, targets
from livermets.report.figures.forest import draw_forest
from livermets.report.figures.lesions import draw_examples, draw_lesion_map
from livermets.report.figures.style import blank
from livermets.report.flow_diagram import draw_flow
from livermets.report.paper_tables import read_table
from livermets.study.outputs import SCHEME_FIGURES, figure_names

BAND_DRAWS = 500


def draw_figures(
    folder: Path | str,
    *,
    predictions: Iterable[Path] | pd.DataFrame,
    metrics: Path | pd.DataFrame,
    confusion: Path | pd.DataFrame,
    cohort: Path | pd.DataFrame,
    splits: Path | pd.DataFrame,
    schemes: list[str],
    classes: list[str],
    positive: str,
    threshold: float | str = 0.5,
    seed: int = 2023,
    slices: Iterable[Path] | None = None,
    from_features: bool = False,
    min_diameter_mm: float = 5.0,
) -> list[Path]:
    """Draw them; every table may be a path or a data frame.

    Parameters
    ----------
    schemes : "holdout", "cv", ... as in the splits; one without predictions gets a figure saying so
    slices : {patient}.npz files for the example lesions; None where the study has no images
    from_features : the study started from a feature table (the flow diagram says so)
    """
    folder = Path(folder)
    cohort, metrics = read_cohort(cohort), read_table(metrics)
    if not isinstance(predictions, pd.DataFrame):
        predictions = read_predictions(predictions, classes)
    predictions = with_scheme(predictions)
    confusion, wanted = read_table(confusion), targets(classes, positive)
    names = figure_names(schemes, slices is not None)
    draw_flow(
        folder / "flow.svg",
        cohort=cohort,
        splits=read_table(splits),
        classes=classes,
        min_diameter_mm=min_diameter_mm,
        from_features=from_features,
    )
    for scheme in schemes:
        table = predictions[predictions["scheme"] == scheme]
        mine = metrics[metrics["scheme"] == scheme]
        by_lesion = mine[mine["level"] == "lesion"]
        file = {kind: folder / f"{kind}_{scheme}.svg" for kind in SCHEME_FIGURES}
        if table.empty:
            for path in file.values():
                blank(path, f"No arm has predictions for {scheme}.")
            continue
        draw_roc(table, by_lesion, wanted, BAND_DRAWS, seed, file["roc"])
        draw_forest(mine, file["forest"])
        draw_lesion_map(table, classes, positive, threshold, file["lesions"])
        draw_calibration(table, by_lesion, wanted, file["calibration"])
        draw_decision(table, wanted, file["decision"])
        draw_confusion(confusion[confusion["scheme"] == scheme], classes, file["confusion"])
    if slices is not None:
        labels = dict(zip(cohort["patient"].astype(str), cohort["label"], strict=True))
        draw_examples(list(slices), labels, classes, seed, folder / "examples.png")
    return [folder / name for name in names]
