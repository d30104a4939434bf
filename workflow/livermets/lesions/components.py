"""Single lesions out of a liver mask: numbered, measured, the small ones dropped with a reason."""

import cc3d
import numpy as np
import pandas as pd
import SimpleITK as sitk
from scipy import ndimage

from livermets.imaging.geometry import axial_axis
from livermets.lesions import diameters
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
}
RULES = ("axial", "feret", "sphere")
OUTSIDE = "does not touch the liver"


def split_lesions(
    ct: sitk.Image,
    mask: sitk.Image,
    connectivity: int = 26,
    diameter: str = "axial",
    min_diameter_mm: float = 5.0,
    must_touch_liver: bool = True,
    fill_holes: bool = False,
) -> tuple[sitk.Image, pd.DataFrame, dict]:
    """Connected components of the lesion label, those at least `min_diameter_mm` wide kept.

    Parameters
    ----------
    ct, mask : int16 HU and uint8 labels (1 liver, 2 lesion) on one grid
    connectivity : 6, 18 or 26 neighbours
    diameter : which one decides: "axial" (longest within one axial slice, between voxel centres),
        "feret" (longest in space, likewise) or "sphere" (of the same volume)
    must_touch_liver : drop what has no voxel of the liver among its 26-neighbours
    fill_holes : what lesion encloses on all sides (a spared centre, vessels, noise of a model)
        belongs to it, and is no parenchyma

    Returns
    -------
    labelled : uint16, the kept lesions as 1…n by falling voxel count, all else 0
    table : one row per component, the kept ones 1…n, then the dropped ones with a reason, which are
        not in the image; volumes in ml, diameters in mm, centroid in mm (LPS), mean in HU
    facts : liver_ml (lesions included), lesion_ml and burden (its share of that; dropped lesions
        count, they are tumour all the same), parenchyma_hu (liver without lesions), lesion_hu
        (mean over the kept lesions of their mean HU, None without one), n_components, n_lesions,
        n_dropped, n_outside_liver (of these), filled_voxels
    """
    if diameter not in RULES:
        raise ValueError(f"diameter is {diameter!r}: use one of {', '.join(RULES)}")
    hu, labels = sitk.GetArrayViewFromImage(ct), sitk.GetArrayFromImage(mask)
    filled = np.zeros(labels.shape, bool)
    if fill_holes:
        filled = ndimage.binary_fill_holes(labels == Label.LESION) & (labels != Label.LESION)
        labels[filled] = Label.LESION
    components, n = cc3d.connected_components(
        labels == Label.LESION, connectivity=connectivity, return_N=True
    )
    boxes = cc3d.statistics(components)["bounding_boxes"]
    rows = [_measure(hu, components, i, boxes[i], mask, diameter) for i in range(1, n + 1)]
    for row in rows:
        row["reason"] = ""
        if must_touch_liver and not _touches(components, row["component"], boxes, labels):
            row["reason"] = OUTSIDE
        elif row["diameter_mm"] < min_diameter_mm:
            small = f"{row['diameter_mm']:.1f} mm < {min_diameter_mm:.1f} mm"
            row["reason"] = f"{diameter} diameter {small}"
        row["kept"] = not row["reason"]
    rows.sort(key=lambda row: (not row["kept"], -row["voxels"], row["component"]))
    new = np.zeros(n + 1, np.uint16)
    for number, row in enumerate(rows, start=1):
        row["lesion"] = number
        new[row["component"]] = number if row["kept"] else 0
    labelled = sitk.GetImageFromArray(new[components])
    labelled.CopyInformation(mask)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    facts = _facts(hu, labels, table, np.prod(mask.GetSpacing()) / 1000)
    return labelled, table, facts | {"filled_voxels": int(filled.sum())}


def _measure(
    hu: np.ndarray,
    components: np.ndarray,
    number: int,
    box: tuple[slice, slice, slice],
    mask: sitk.Image,
    rule: str,
) -> dict:
    here = components[box] == number
    spacing = mask.GetSpacing()[::-1]
    voxels = int(here.sum())
    volume_ml = float(voxels * np.prod(spacing) / 1000)
    found = {
        "axial": diameters.axial(here, spacing, axis=2 - axial_axis(mask)),
        "feret": diameters.feret(here, spacing),
        "sphere": diameters.sphere(volume_ml),
    }
    centre = np.argwhere(here).mean(axis=0) + [side.start for side in box]
    x, y, z = mask.TransformContinuousIndexToPhysicalPoint(centre[::-1].tolist())
    return {
        "component": number,
        "voxels": voxels,
        "volume_ml": volume_ml,
        **{f"{name}_diameter_mm": value for name, value in found.items()},
        "diameter_mm": found[rule],
        "x_mm": x,
        "y_mm": y,
        "z_mm": z,
        "mean_hu": float(hu[box][here].mean()),
    }


def _touches(components: np.ndarray, number: int, boxes: np.ndarray, labels: np.ndarray) -> bool:
    wider = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in boxes[number])
    around = ndimage.binary_dilation(components[wider] == number, np.ones((3, 3, 3)))
    return bool((labels[wider][around] == Label.LIVER).any())


def _facts(hu: np.ndarray, labels: np.ndarray, table: pd.DataFrame, voxel_ml: float) -> dict:
    parenchyma, lesion = labels == Label.LIVER, int((labels == Label.LESION).sum())
    liver = int(parenchyma.sum()) + lesion
    kept = table[table["kept"]]
    return {
        "liver_ml": float(liver * voxel_ml),
        "lesion_ml": float(lesion * voxel_ml),
        "burden": lesion / liver if liver else None,
        "parenchyma_hu": float(hu[parenchyma].mean()) if parenchyma.any() else None,
        "lesion_hu": float(kept["mean_hu"].mean()) if len(kept) else None,
        "n_components": len(table),
        "n_lesions": len(kept),
        "n_dropped": len(table) - len(kept),
        "n_outside_liver": int((table["reason"] == OUTSIDE).sum()),
    }
