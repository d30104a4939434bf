"""The picture by which a person judges a mask: slices of the CT with liver and lesions outlined."""

from pathlib import Path

import cc3d
import numpy as np
import SimpleITK as sitk
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from livermets.imaging.geometry import bounding_box
from livermets.masks.labels import Label

WIDTH, LEVEL = 330, 10  # HU, the window of the paper
LIVER_COLOUR, KEPT_COLOUR, DROPPED_COLOUR = "#35c4ff", "#ffb000", "#ff4fa3"
ROWS, COLUMNS, DPI = 3, 5, 120
MARGIN_MM = 5


def draw_overlay(
    ct: sitk.Image, mask: sitk.Image, lesions: sitk.Image | None, path: Path, title: str
) -> None:
    """Write a PNG: fifteen axial slices through the liver, window 330 / 10 HU.

    The patient's right is on the left and anterior on top, whatever the grid. The liver is
    outlined, lesions carry their number; components of the mask that are not in `lesions` (dropped)
    have a colour of their own. Slices are spread over the liver and moved to show as many lesions
    as possible at their widest.
    """
    volumes = [ct, mask, lesions if lesions is not None else sitk.Image(mask) * 0]
    hu, labels, numbers = (
        sitk.GetArrayFromImage(sitk.DICOMOrient(volume, "LPS")) for volume in volumes
    )
    upright = sitk.DICOMOrient(mask, "LPS")
    sx, sy, _ = upright.GetSpacing()
    shown = _choose_slices(labels, numbers)
    ys, xs = _window(labels[shown] > 0, hu[shown] > -300, (sy, sx))
    tiles = [volume[shown][:, ys, xs] for volume in (hu, labels, numbers)]
    height, width = tiles[0].shape[1:]
    hu, labels, numbers = (_sheet(tile) for tile in tiles)

    panel = 2.6  # inches a column
    tall = panel * COLUMNS * (hu.shape[0] * sy) / (hu.shape[1] * sx)
    figure = Figure(figsize=(panel * COLUMNS, tall + 0.7), dpi=DPI, facecolor="black")
    axes = figure.add_axes((0, 0, 1, tall / (tall + 0.7)))
    axes.imshow(hu, cmap="gray", vmin=LEVEL - WIDTH / 2, vmax=LEVEL + WIDTH / 2, aspect="auto")
    axes.set_axis_off()
    dropped = (labels == Label.LESION) & (numbers == 0)
    outlines = [(labels > 0, LIVER_COLOUR), (numbers > 0, KEPT_COLOUR)]
    outlines.append((dropped, DROPPED_COLOUR if lesions is not None else KEPT_COLOUR))
    for region, colour in outlines:
        if region.any():
            axes.contour(region, levels=[0.5], colors=colour, linewidths=0.9)
    small = {"color": "white", "fontsize": 8, "va": "top"}
    for i, z in enumerate(shown):
        row, column = divmod(i, COLUMNS)
        height_mm = upright.TransformIndexToPhysicalPoint((0, 0, int(z)))[2]
        axes.text(column * width + 4, row * height + 4, f"z {height_mm:.0f} mm", **small)
        tile = tiles[2][i]
        for number in np.unique(tile[tile > 0]):
            y, x = np.argwhere(tile == number).mean(axis=0)
            axes.annotate(
                str(number),
                (column * width + x, row * height + y),
                xytext=(9, 9),
                textcoords="offset points",
                color=KEPT_COLOUR,
                fontsize=9,
            )
    axes.text(4, height / 2, "R", **small)
    figure.text(0.006, 1 - 0.28 / (tall + 0.7), title, color="white", fontsize=12, va="center")
    figure.text(
        0.994,
        1 - 0.28 / (tall + 0.7),
        _summary(volumes[1], lesions),
        color="white",
        fontsize=10,
        va="center",
        ha="right",
    )
    FigureCanvasAgg(figure).print_png(
        path, metadata={"Software": None}, pil_kwargs={"compress_level": 3}
    )


def _summary(mask: sitk.Image, lesions: sitk.Image | None) -> str:
    voxel_ml = np.prod(mask.GetSpacing()) / 1000
    labels = sitk.GetArrayViewFromImage(mask)
    text = f"liver {(labels > 0).sum() * voxel_ml:.0f} ml, "
    text += f"lesion label {(labels == Label.LESION).sum() * voxel_ml:.2f} ml"
    if lesions is not None:
        kept = sitk.GetArrayViewFromImage(lesions)
        text += f", {kept.max()} lesions kept"
        text += " (pink: dropped)" if ((labels == Label.LESION) & (kept == 0)).any() else ""
    return text + f"; W {WIDTH} L {LEVEL} HU"


def _choose_slices(labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Indices from head to foot: even over the liver, the nearest moved onto a lesion's widest."""
    with_liver = np.flatnonzero(labels.any(axis=(1, 2)))
    count = min(ROWS * COLUMNS, len(with_liver))
    chosen = with_liver[np.linspace(0, len(with_liver) - 1, count).round().astype(int)]
    areas = np.stack([np.bincount(plane.ravel(), minlength=numbers.max() + 1) for plane in numbers])
    free = np.ones(count, bool)
    for widest in areas[:, 1:].argmax(axis=0):
        if widest in chosen:
            free[chosen == widest] = False
        elif free.any():
            nearest = np.argmin(np.where(free, np.abs(chosen - widest), np.inf))
            chosen[nearest], free[nearest] = widest, False
    return np.sort(chosen)[::-1]


def _window(
    liver: np.ndarray, body: np.ndarray, spacing_mm: tuple[float, float]
) -> tuple[slice, slice]:
    """Rows and columns of the body, which is the largest thing there, and of the liver."""
    region = liver | (cc3d.largest_k(body, k=1, connectivity=6) > 0)
    box = bounding_box(region, (0, *(round(MARGIN_MM / spacing) for spacing in spacing_mm)))
    assert box is not None, "a mask without a liver is refused before it is drawn"
    return box[1], box[2]


def _sheet(tiles: np.ndarray) -> np.ndarray:
    """(n, height, width) tiles laid out in rows; what is left over is filled with the lowest."""
    _, height, width = tiles.shape
    rows = -(-len(tiles) // COLUMNS)
    sheet = np.full((rows * COLUMNS, height, width), tiles.min())
    sheet[: len(tiles)] = tiles
    sheet = sheet.reshape(rows, COLUMNS, height, width).swapaxes(1, 2)
    return sheet.reshape(rows * height, COLUMNS * width)
