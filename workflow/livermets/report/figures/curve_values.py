"""Values of the curves of a figure, which the page shows beside the pointer."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

MOST_POINTS = 61  # of a curve: the page needs no more to show its values


def curve_values(figure: Figure) -> list[dict[str, Any]]:
    """List the panels of a drawn figure that have named curves, with the points of these.

    Parameters
    ----------
    figure : Figure
        A figure that was drawn, so that its panels have their places.

    Returns
    -------
    list of dict
        For each panel: title, xlabel, ylabel; box, which is left, top, width and height in shares
        of the figure; x and y, the limits of the axes; and curves, each with name, colour, x and y.
    """
    panels = []
    for axis in figure.axes:
        curves = [_curve(line) for line in axis.get_lines() if _is_named_curve(line)]
        if curves:
            panels.append(_panel(axis) | {"curves": curves})
    ylabel = ""
    for panel in panels:  # a row of panels names its y axis once
        ylabel = panel["ylabel"] = panel["ylabel"] or ylabel
    return panels


def _is_named_curve(line: Line2D) -> bool:
    return not str(line.get_label()).startswith("_") and np.size(line.get_xdata()) > 1


def _panel(axis: Axes) -> dict[str, Any]:
    box = axis.get_position()
    return {
        "title": axis.get_title(loc="left") or axis.get_title(),
        "xlabel": axis.get_xlabel(),
        "ylabel": axis.get_ylabel(),
        "box": [round(float(v), 4) for v in (box.x0, 1 - box.y1, box.width, box.height)],
        "x": [float(v) for v in axis.get_xlim()],
        "y": [float(v) for v in axis.get_ylim()],
    }


def _curve(line: Line2D) -> dict[str, Any]:
    points = np.column_stack([np.asarray(v, float) for v in line.get_data()])
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) > MOST_POINTS:
        points = points[np.linspace(0, len(points) - 1, MOST_POINTS).round().astype(int)]
    x, y = points.round(3).T.tolist()
    name = " ".join(str(line.get_label()).split())
    return {"name": name, "colour": str(line.get_color()), "x": x, "y": y}
