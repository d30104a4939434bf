"""Contact sheet of Grad-CAM: example lesions, and where the network found its call."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from livermets.core.scan_ids import in_words, scan_id
from livermets.report.figures.style import DOUBLE_COLUMN, MUTED, figure_style, save
from livermets.report.formatting import number
from livermets.study.names import SCAN

OUTLINE = "#56B4E9"  # of the lesion: blue, beside a map from black over red to yellow
LARGEST_SIDE, TEXT, HEADING = 1.35, 0.42, 0.32  # inches: of a panel, its text, a row's heading
GAP = 0.25  # inches between two lesions
CAPTION = (
    "Each lesion twice: as the network sees it, and with the map of what speaks for the class "
    "that it called. Bright yellow: most, each map by its own highest value. Blue: outline of the "
    "lesion. Below the name stands the class that was called, with its probability. Examples were "
    "drawn at random, one of each patient."
)
FAINTEST = 0.05  # of the map's highest value: less is not coloured


def draw_grad_cam(
    examples: pd.DataFrame, files: Mapping[str, Path], classes: list[str], path: Path
) -> Path:
    """Draw example lesions of each class, right and wrong calls, with and without their map.

    Parameters
    ----------
    examples : DataFrame
        As `livermets.explanation.examples.draw_examples` returns it.
    files : mapping of str to Path
        Split -> file with the arrays images, masks and maps.
    classes : list of str
        Class names.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    rows = [
        (f"truly {name}, called {'so' if right else 'otherwise'}",
         examples[(examples["label"] == name) & (examples["right"] == right)])
        for name in classes
        for right in (True, False)
    ]  # fmt: skip
    most = max(1, *(len(part) for _, part in rows))
    width = DOUBLE_COLUMN
    side = min(LARGEST_SIDE, ((width - 0.1) / most - GAP) / 2)
    heights = [HEADING + (side + TEXT if len(part) else 0.15) for _, part in rows]
    height = sum(heights) + 0.3
    with figure_style():
        figure = Figure(figsize=(width, height))
        figure.set_facecolor("white")
        top = height
        for (title, part), taken in zip(rows, heights, strict=True):
            empty = "" if len(part) else ": no such lesion was tested"
            figure.text(0.1 / width, (top - 0.22) / height, title.capitalize() + empty, fontsize=9,
                        weight="bold")  # fmt: skip
            y = top - HEADING - TEXT - side
            for place, example in enumerate(part.to_dict("records")):
                left = 0.1 + place * (2 * side + GAP)
                axes = [
                    figure.add_axes((x / width, y / height, side / width, side / height))
                    for x in (left, left + side + 0.04)
                ]
                _draw_pair(axes, example, files[example["split"]])
            top -= taken
        outline = Line2D([], [], color=OUTLINE, lw=1.2, label="outline of the lesion")
        figure.legend(handles=[outline], loc="lower left", bbox_to_anchor=(0, 0))
        return save(figure, path, CAPTION)


def _draw_pair(axes: list[Axes], example: Mapping[Any, Any], file: Path) -> None:
    """The slice alone, and the same with the map and the outline."""
    with np.load(file) as arrays:
        image, mask, values = (
            arrays[name][example["example"]] for name in ("images", "masks", "maps")
        )
    for axis in axes:
        axis.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    axes[1].imshow(values.astype(float), cmap=heat(), vmin=0, vmax=1, interpolation="nearest")
    axes[1].contour(mask, [0.5], colors=OUTLINE, linewidths=0.9)
    lesion = f"{in_words(scan_id(example['patient'], example.get(SCAN, '')))}, lesion"
    axes[0].text(0, 1.17, f"{lesion} {example['lesion']}", transform=axes[0].transAxes, fontsize=7)
    call = f"{example['called']} {number(example['called_score'])}"
    if np.isnan(example["map_inside"]):
        call += ", nothing speaks for it"
    axes[0].text(0, 1.04, f"called {call}", transform=axes[0].transAxes, fontsize=7, color=MUTED)


def heat() -> ListedColormap:
    """The colours of the map: transparent where it is 0, then from red over orange to yellow.

    Lightness rises all the way, so that it reads with any colour vision and in grey.
    """
    colours = colormaps["inferno"](np.linspace(0.35, 1, 256))
    colours[:, 3] = np.where(np.linspace(0, 1, 256) < FAINTEST, 0, np.linspace(0.25, 0.8, 256))
    return ListedColormap(colours)
