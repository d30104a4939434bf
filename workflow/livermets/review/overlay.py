"""Overlay of one patient: axial slices of the CT with liver and lesions outlined, as a PNG."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cc3d
import numpy as np
import SimpleITK as sitk
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from livermets.core.io import atomic_path
from livermets.imaging.geometry import bounding_box
from livermets.masks.labels import Label

WINDOW_WIDTH, WINDOW_LEVEL = 330, 10  # HU, the window of the paper
BODY_HU = -300
LIVER_COLOUR, KEPT_COLOUR, DROPPED_COLOUR = "#35c4ff", "#ffb000", "#ff4fa3"
ROWS, COLUMNS, DPI = 3, 5, 120
COLUMN_INCHES, TITLE_INCHES, TITLE_FROM_TOP_INCHES = 2.6, 0.7, 0.28
MARGIN_MM = 5
SMALL: dict[str, Any] = {"color": "white", "fontsize": 8, "va": "top"}


@dataclass(frozen=True)
class Slices:
    """The drawn slices, upright and cropped to the body.

    Parameters
    ----------
    z_mm : list of float
        Position of each slice (LPS).
    spacing_mm : tuple of float
        Spacing of rows and columns.
    hu, labels, lesions : ndarray, shape (slices, rows, columns)
        CT, mask, and the numbers of the kept lesions.
    """

    z_mm: list[float]
    spacing_mm: tuple[float, float]
    hu: np.ndarray
    labels: np.ndarray
    lesions: np.ndarray


def draw_overlay(
    ct: sitk.Image,
    mask: sitk.Image,
    lesions: sitk.Image | None,
    path: str | Path,
    title: str,
) -> None:
    """Draw fifteen axial slices through the liver at window 330 / 10 HU.

    The patient's right is on the left and anterior is on top, whatever the grid. The liver is
    outlined, and each lesion is outlined with its number; dropped lesions have another colour.
    The slices are spread over the liver and moved to show as many lesions as possible at their
    largest area.

    Parameters
    ----------
    ct : SimpleITK.Image
        Hounsfield units.
    mask : SimpleITK.Image
        Labels of the liver and its lesions (`masks.labels.Label`), on the grid of the CT.
    lesions : SimpleITK.Image, optional
        Numbers of the kept lesions. Without it no lesion is numbered, and none counts as dropped.
    path : str or Path
        The PNG.
    title : str
        Text above the slices.
    """
    slices = _select(ct, mask, lesions)
    hu, labels, numbers = map(_contact_sheet, (slices.hu, slices.labels, slices.lesions))
    width_inches = COLUMN_INCHES * COLUMNS
    row_mm, column_mm = slices.spacing_mm
    height_inches = width_inches * (hu.shape[0] * row_mm) / (hu.shape[1] * column_mm)
    page_inches = height_inches + TITLE_INCHES
    figure = Figure(figsize=(width_inches, page_inches), dpi=DPI, facecolor="black")
    axes = figure.add_axes((0, 0, 1, height_inches / page_inches))
    lowest, highest = WINDOW_LEVEL - WINDOW_WIDTH / 2, WINDOW_LEVEL + WINDOW_WIDTH / 2
    axes.imshow(hu, cmap="gray", vmin=lowest, vmax=highest, aspect="auto")
    axes.set_axis_off()
    dropped = (labels == Label.LESION) & (numbers == 0)
    for region, colour in (
        (labels > 0, LIVER_COLOUR),
        (numbers > 0, KEPT_COLOUR),
        (dropped, DROPPED_COLOUR if lesions is not None else KEPT_COLOUR),
    ):
        if region.any():
            axes.contour(region, levels=[0.5], colors=colour, linewidths=0.9)
    _annotate(axes, slices)
    line: dict[str, Any] = {"y": 1 - TITLE_FROM_TOP_INCHES / page_inches, "color": "white"}
    figure.text(0.006, s=title, fontsize=12, va="center", **line)
    figure.text(0.994, s=_summary(mask, lesions), fontsize=10, va="center", ha="right", **line)
    with atomic_path(path) as unfinished:
        FigureCanvasAgg(figure).print_png(
            unfinished, metadata={"Software": None}, pil_kwargs={"compress_level": 3}
        )


def _select(ct: sitk.Image, mask: sitk.Image, lesions: sitk.Image | None) -> Slices:
    """The slices to draw, cropped to the body and the liver."""
    numbered = lesions if lesions is not None else sitk.Image(mask) * 0
    hu, labels, numbers = (
        sitk.GetArrayFromImage(sitk.DICOMOrient(image, "LPS")) for image in (ct, mask, numbered)
    )
    upright = sitk.DICOMOrient(mask, "LPS")
    column_mm, row_mm, _ = upright.GetSpacing()
    z = _choose_slices(labels, numbers)
    body = cc3d.largest_k(hu[z] > BODY_HU, k=1, connectivity=6) > 0
    margin = (0, round(MARGIN_MM / row_mm), round(MARGIN_MM / column_mm))
    box = bounding_box((labels[z] > 0) | body, margin)
    assert box is not None, "a mask without a liver is refused before it is drawn"
    return Slices(
        [upright.TransformIndexToPhysicalPoint((0, 0, int(index)))[2] for index in z],
        (row_mm, column_mm),
        *(volume[z][:, box[1], box[2]] for volume in (hu, labels, numbers)),
    )


def _choose_slices(labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Indices of slices, from head to foot.

    They are evenly spread over the liver; then, for each lesion, the nearest slice that shows no
    other lesion at its largest area is replaced by the slice with that lesion's largest area.
    """
    with_liver = np.flatnonzero(labels.any(axis=(1, 2)))
    count = min(ROWS * COLUMNS, len(with_liver))
    chosen = with_liver[np.linspace(0, len(with_liver) - 1, count).round().astype(int)]
    areas = np.stack([np.bincount(plane.ravel(), minlength=numbers.max() + 1) for plane in numbers])
    replaceable = np.ones(count, bool)
    for largest in areas[:, 1:].argmax(axis=0):
        if largest in chosen:
            replaceable[chosen == largest] = False
        elif replaceable.any():
            nearest = np.argmin(np.where(replaceable, np.abs(chosen - largest), np.inf))
            chosen[nearest], replaceable[nearest] = largest, False
    return np.sort(chosen)[::-1]


def _contact_sheet(tiles: np.ndarray) -> np.ndarray:
    """Tiles (n, height, width) laid out in rows; empty places have the lowest value."""
    _, height, width = tiles.shape
    rows = -(-len(tiles) // COLUMNS)
    padded = np.full((rows * COLUMNS, height, width), tiles.min())
    padded[: len(tiles)] = tiles
    grid = padded.reshape(rows, COLUMNS, height, width).swapaxes(1, 2)
    return grid.reshape(rows * height, COLUMNS * width)


def _annotate(axes: Axes, slices: Slices) -> None:
    """Write the position of each slice, the numbers of its lesions, and the patient's right."""
    height, width = slices.hu.shape[1:]
    for i, z_mm in enumerate(slices.z_mm):
        row, column = divmod(i, COLUMNS)
        axes.text(column * width + 4, row * height + 4, f"z {z_mm:.0f} mm", **SMALL)
        tile = slices.lesions[i]
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
    axes.text(4, height / 2, "R", **SMALL)


def _summary(mask: sitk.Image, lesions: sitk.Image | None) -> str:
    """Volumes, the number of lesions and the window, as one line."""
    voxel_ml = np.prod(mask.GetSpacing()) / 1000
    labels = sitk.GetArrayViewFromImage(mask)
    text = f"liver {(labels > 0).sum() * voxel_ml:.0f} ml, "
    text += f"lesion label {(labels == Label.LESION).sum() * voxel_ml:.2f} ml"
    if lesions is not None:
        kept = sitk.GetArrayViewFromImage(lesions)
        text += f", {kept.max()} lesions kept"
        text += " (pink: dropped)" if ((labels == Label.LESION) & (kept == 0)).any() else ""
    return text + f"; W {WINDOW_WIDTH} L {WINDOW_LEVEL} HU"
