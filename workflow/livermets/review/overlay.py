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
from matplotlib.patheffects import withStroke

from livermets.core.io import atomic_path
from livermets.imaging.geometry import bounding_box
from livermets.masks.labels import Label
from livermets.review.number_placement import place_numbers
from livermets.review.slice_choice import choose_slices

WINDOW_WIDTH, WINDOW_LEVEL = 330, 10  # HU, the window of the paper
BODY_HU = -300
LIVER_COLOUR, KEPT_COLOUR, DROPPED_COLOUR = "#35c4ff", "#ffb000", "#ff4fa3"
COLUMNS, DPI = 5, 120
COLUMN_INCHES, TITLE_INCHES, TITLE_FROM_TOP_INCHES = 3.0, 0.7, 0.28
MARGIN_MM = 5
SCALE_BAR_MM = 50
NUMBER_POINTS, TEXT_POINTS = 9, 8
CHARACTER, LINE = 0.62, 1.2  # width and height of a character, in its font size
HALO = [withStroke(linewidth=2, foreground="black")]
SMALL: dict[str, Any] = {"color": "white", "fontsize": TEXT_POINTS, "path_effects": HALO}


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

    @property
    def pixels_per_point(self) -> float:
        """How many pixels of the slices a typographic point is wide."""
        return self.hu.shape[2] / (COLUMN_INCHES * 72)


def draw_overlay(
    ct: sitk.Image,
    mask: sitk.Image,
    lesions: sitk.Image | None,
    path: str | Path,
    title: str,
    oriented: bool = True,
) -> None:
    """Draw axial slices through the whole liver at window 330 / 10 HU, with a scale bar.

    The patient's right is on the left and anterior is on top, whatever the grid. The liver is
    outlined, and each lesion is outlined with its number; dropped lesions have another colour.
    Every lesion, both ends of the liver and no gap of more than 10 mm are shown: see
    `slice_choice.choose_slices`.

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
    oriented : bool
        Whether the file of the CT says how its axes lie in the patient. Where it does not, the
        picture says so and marks no side.
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
    for place in range(len(slices.z_mm)):
        _annotate(axes, slices, place, oriented)
    line: dict[str, Any] = {"y": 1 - TITLE_FROM_TOP_INCHES / page_inches, "color": "white"}
    title += "" if oriented else " (the file does not state the orientation: sides are unknown)"
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
    column_mm, row_mm, slice_mm = upright.GetSpacing()
    reached = np.asarray(labels.any(axis=(1, 2)))
    if not reached.any():  # a crop without a lesion: the whole of it
        reached[:] = True
    z = choose_slices(reached, _lesion_areas(labels, numbers), slice_mm)
    body = cc3d.largest_k(hu[z] > BODY_HU, k=1, connectivity=6) > 0
    margin = (0, round(MARGIN_MM / row_mm), round(MARGIN_MM / column_mm))
    box = bounding_box((labels[z] > 0) | body, margin) or (slice(None),) * 3
    return Slices(
        [upright.TransformIndexToPhysicalPoint((0, 0, int(index)))[2] for index in z],
        (row_mm, column_mm),
        *(volume[z][:, box[1], box[2]] for volume in (hu, labels, numbers)),
    )


def _lesion_areas(labels: np.ndarray, numbers: np.ndarray) -> dict[int, np.ndarray]:
    """The area of every lesion, dropped ones too, in each slice; voxels."""
    dropped = cc3d.connected_components((labels == Label.LESION) & (numbers == 0), connectivity=26)
    every = np.where(dropped > 0, dropped.astype(np.int64) + int(numbers.max()), numbers)
    length = int(every.max()) + 1
    areas = np.stack([np.bincount(plane.ravel(), minlength=length) for plane in every])
    return {lesion: areas[:, lesion] for lesion in range(1, length) if areas[:, lesion].any()}


def _contact_sheet(tiles: np.ndarray) -> np.ndarray:
    """Tiles (n, height, width) laid out in rows; empty places have the lowest value."""
    _, height, width = tiles.shape
    rows = -(-len(tiles) // COLUMNS)
    padded = np.full((rows * COLUMNS, height, width), tiles.min())
    padded[: len(tiles)] = tiles
    grid = padded.reshape(rows, COLUMNS, height, width).swapaxes(1, 2)
    return grid.reshape(rows * height, COLUMNS * width)


def _annotate(axes: Axes, slices: Slices, place: int, oriented: bool) -> None:
    """Write the position of one slice, the numbers of its lesions, the side and the scale."""
    height, width = slices.hu.shape[1:]
    top, left = (np.array(divmod(place, COLUMNS)) * (height, width)).tolist()
    point, gap = slices.pixels_per_point, 4
    position = f"z {slices.z_mm[place]:.0f} mm"
    axes.text(left + gap, top + gap, position, va="top", **SMALL)
    taken = [(0.0, 0.0, len(position) * CHARACTER * TEXT_POINTS * point, 2 * TEXT_POINTS * point)]
    tile = slices.lesions[place]
    numbers = np.unique(tile[tile > 0]).tolist()
    lesions = [tile == number for number in numbers]
    text_height = LINE * NUMBER_POINTS * point
    sizes = [(len(str(n)) * CHARACTER * NUMBER_POINTS * point, text_height) for n in numbers]
    centres = place_numbers(lesions, sizes, (height, width), taken)
    for number, lesion, (x, y) in zip(numbers, lesions, centres, strict=True):
        row, column = np.argwhere(lesion).mean(axis=0)
        line = {"arrowstyle": "-", "color": KEPT_COLOUR, "linewidth": 0.5, "shrinkA": 0}
        axes.annotate(
            str(number),
            (left + column, top + row),
            xytext=(left + x, top + y),
            ha="center",
            va="center",
            color=KEPT_COLOUR,
            fontsize=NUMBER_POINTS,
            path_effects=HALO,
            arrowprops=line if np.hypot(x - column, y - row) > 3 * text_height else None,
        )
    if place % COLUMNS:
        return
    axes.text(left + gap, top + height / 2, "R" if oriented else "?", va="center", **SMALL)
    bar, base = SCALE_BAR_MM / slices.spacing_mm[1], top + height - 2 * gap
    ends = [left + 2 * gap, left + 2 * gap + bar]
    axes.plot(ends, [base, base], color="white", linewidth=2, path_effects=HALO)
    axes.text(ends[1] + gap, base, f"{SCALE_BAR_MM / 10:g} cm", va="center", **SMALL)


def _summary(mask: sitk.Image, lesions: sitk.Image | None) -> str:
    """Volumes, the number of lesions and the window, as one line."""
    voxel_ml = np.prod(mask.GetSpacing()) / 1000
    labels = sitk.GetArrayViewFromImage(mask)
    has_liver = (labels == Label.LIVER).any()
    text = f"liver {(labels > 0).sum() * voxel_ml:.0f} ml, " if has_liver else "no liver, "
    text += f"lesion label {(labels == Label.LESION).sum() * voxel_ml:.2f} ml"
    if lesions is not None:
        kept = sitk.GetArrayViewFromImage(lesions)
        text += f", {len(np.unique(kept[kept > 0]))} lesions kept"
        text += " (pink: dropped)" if ((labels == Label.LESION) & (kept == 0)).any() else ""
    return text + f"; W {WINDOW_WIDTH} L {WINDOW_LEVEL} HU"
