"""Lesions of a liver mask: its connected components, numbered and measured.

Small components, and those that do not touch the liver, are dropped with the reason.
"""

import math
from typing import Any, Literal

import cc3d
import numpy as np
import pandas as pd
import SimpleITK as sitk
from scipy import ndimage

from livermets.imaging.geometry import axial_axis
from livermets.lesions.diameters import axial_diameter, feret_diameter, sphere_diameter
from livermets.masks.labels import Label

COLUMNS = {
    "lesion": "int64",
    "kept": "bool",
    "reason": "str",
    "voxels": "int64",
    "volume_ml": "float64",
    "axial_diameter_mm": "float64",
    "feret_diameter_mm": "float64",
    "sphere_diameter_mm": "float64",
    "diameter_mm": "float64",
    "x_mm": "float64",
    "y_mm": "float64",
    "z_mm": "float64",
    "mean_hu": "float64",
    "model_probability": "float64",
}
DIAMETERS = ("axial", "feret", "sphere")
OUTSIDE = "does not touch the liver"
NO_LIVER = "the mask has no liver"
Box = tuple[slice, slice, slice]


def label_lesions(
    ct: sitk.Image,
    mask: sitk.Image,
    probability: sitk.Image | None = None,
    connectivity: Literal[6, 18, 26] = 26,
    diameter: str = "axial",
    min_diameter_mm: float = 5.0,
    must_touch_liver: bool = True,
    fill_holes: bool = False,
) -> tuple[sitk.Image, pd.DataFrame, dict[str, Any]]:
    """Number and measure the lesions of a mask, and drop those that are too small or outside.

    Parameters
    ----------
    ct : SimpleITK.Image of int16
        Hounsfield units.
    mask : SimpleITK.Image of uint8
        Labels of the liver and its lesions (`masks.labels.Label`), on the grid of the CT.
    probability : SimpleITK.Image of uint8, optional
        The models' probability of lesion in percent, on the grid of the CT; 0 where they saw none.
    connectivity : {6, 18, 26}
        Number of neighbours with which a voxel is connected.
    diameter : {"axial", "feret", "sphere"}
        The diameter that decides: the longest within one axial slice, the longest in space, or
        that of a sphere with the same volume.
    min_diameter_mm : float
        Lesions with a smaller diameter are dropped.
    must_touch_liver : bool
        Drop a lesion without a voxel of the liver among its 26-neighbours.
    fill_holes : bool
        Add voxels that a lesion encloses on all sides (necrosis, vessels, errors of a model) to
        the lesion.

    Returns
    -------
    labelled : SimpleITK.Image of uint16
        The kept lesions as 1…n, the largest first; 0 elsewhere.
    table : pandas.DataFrame
        One row for each component, with `COLUMNS`: first the kept ones, 1…n, then the dropped
        ones with a reason. Centroids are in LPS coordinates. `model_probability` (0 to 1) is the
        mean over the voxels that the models call lesion as well; missing where there are none.
    measurements : dict
        liver_ml (with its lesions), lesion_ml (with the dropped ones, which are tumour as well),
        burden (lesion_ml / liver_ml), parenchyma_hu (mean of the liver without lesions),
        lesion_hu (mean of the kept lesions' means, None without one), n_components, n_lesions,
        n_dropped, n_outside_liver and filled_voxels. For a mask without a liver, such as that of a
        crop, liver_ml, burden and parenchyma_hu are None, and liver_reason says why.

    Raises
    ------
    ValueError
        For an unknown diameter.
    """
    if diameter not in DIAMETERS:
        raise ValueError(f"diameter is {diameter!r}: use one of {', '.join(DIAMETERS)}")
    hu, labels = sitk.GetArrayViewFromImage(ct), sitk.GetArrayFromImage(mask)
    percent = sitk.GetArrayViewFromImage(probability) if probability is not None else None
    filled = _fill_holes(labels) if fill_holes else 0
    components, n = cc3d.connected_components(
        labels == Label.LESION, connectivity=connectivity, return_N=True
    )
    boxes = cc3d.statistics(components)["bounding_boxes"]
    rows = []
    for number in range(1, n + 1):
        row = _measure(hu, components, number, boxes[number], mask)
        row["diameter_mm"] = row[f"{diameter}_diameter_mm"]
        row["model_probability"] = _mean_probability(percent, components, number, boxes[number])
        row["reason"] = ""
        if must_touch_liver and not _touches_liver(components, number, boxes[number], labels):
            row["reason"] = OUTSIDE
        elif row["diameter_mm"] < min_diameter_mm:
            too_small = f"{row['diameter_mm']:.1f} mm < {min_diameter_mm:.1f} mm"
            row["reason"] = f"{diameter} diameter {too_small}"
        row["kept"] = not row["reason"]
        rows.append(row)
    rows.sort(key=lambda row: (not row["kept"], -row["voxels"], row["component"]))
    lesion_of_component = np.zeros(n + 1, np.uint16)
    for number, row in enumerate(rows, start=1):
        row["lesion"] = number
        lesion_of_component[row["component"]] = number if row["kept"] else 0
    labelled = sitk.GetImageFromArray(lesion_of_component[components])
    labelled.CopyInformation(mask)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    voxel_ml = np.prod(mask.GetSpacing()) / 1000
    measurements = _measure_liver(hu, labels, table, voxel_ml)
    return labelled, table, measurements | {"filled_voxels": filled}


def _fill_holes(labels: np.ndarray) -> int:
    """Label in place as lesion what lesions enclose; the number of voxels that changed."""
    lesion = labels == Label.LESION
    holes = ndimage.binary_fill_holes(lesion) & ~lesion
    labels[holes] = Label.LESION
    return int(holes.sum())


def _measure(
    hu: np.ndarray, components: np.ndarray, number: int, box: Box, mask: sitk.Image
) -> dict[str, Any]:
    """Size, position and mean HU of one component, which lies in `box`."""
    lesion = components[box] == number
    spacing = mask.GetSpacing()[::-1]
    voxels = int(lesion.sum())
    volume_ml = float(voxels * np.prod(spacing) / 1000)
    centroid = np.argwhere(lesion).mean(axis=0) + [side.start for side in box]
    x, y, z = mask.TransformContinuousIndexToPhysicalPoint(centroid[::-1].tolist())
    return {
        "component": number,
        "voxels": voxels,
        "volume_ml": volume_ml,
        "axial_diameter_mm": axial_diameter(lesion, spacing, axis=2 - axial_axis(mask)),
        "feret_diameter_mm": feret_diameter(lesion, spacing),
        "sphere_diameter_mm": sphere_diameter(volume_ml),
        "x_mm": x,
        "y_mm": y,
        "z_mm": z,
        "mean_hu": float(hu[box][lesion].mean()),
    }


def _mean_probability(
    percent: np.ndarray | None, components: np.ndarray, number: int, box: Box
) -> float:
    """Mean probability of one component where the models gave one; else not a number."""
    if percent is None:
        return math.nan
    given = percent[box][(components[box] == number) & (percent[box] > 0)]
    return float(given.mean() / 100) if given.size else math.nan


def _touches_liver(components: np.ndarray, number: int, box: Box, labels: np.ndarray) -> bool:
    """Whether a 26-neighbour of the component is liver."""
    wider = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in box)
    neighbours = ndimage.binary_dilation(components[wider] == number, np.ones((3, 3, 3)))
    return bool((labels[wider][neighbours] == Label.LIVER).any())


def _measure_liver(
    hu: np.ndarray, labels: np.ndarray, table: pd.DataFrame, voxel_ml: float
) -> dict[str, Any]:
    """Volumes, tumour burden, mean HU and counts of the whole liver."""
    parenchyma, lesion = labels == Label.LIVER, int((labels == Label.LESION).sum())
    has_liver = bool(parenchyma.any())
    liver = int(parenchyma.sum()) + lesion
    kept = table[table["kept"]]
    return {
        **({} if has_liver else {"liver_reason": NO_LIVER}),
        "liver_ml": float(liver * voxel_ml) if has_liver else None,
        "lesion_ml": float(lesion * voxel_ml),
        "burden": lesion / liver if has_liver else None,
        "parenchyma_hu": float(hu[parenchyma].mean()) if has_liver else None,
        "lesion_hu": float(kept["mean_hu"].mean()) if len(kept) else None,
        "n_components": len(table),
        "n_lesions": len(kept),
        "n_dropped": len(table) - len(kept),
        "n_outside_liver": int((table["reason"] == OUTSIDE).sum()),
    }
