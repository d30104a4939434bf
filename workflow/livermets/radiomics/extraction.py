"""Radiomics of single lesions: pyradiomics 3.0.1, value for value, without its cost.

`execute` on a whole CT spends its seconds on copies of the CT, not on texture. Here every lesion is
cropped first and goes through the very functions and feature classes of pyradiomics (van
Griethuysen et al. 2017, doi 10.1158/0008-5472.CAN-17-0339). Two things differ on purpose:

* 2-D shape is that of the lesion's largest axial slice, as in Tharmaseelan et al. 2023
  (doi 10.1186/s40644-023-00612-4); pyradiomics itself takes flat masks only.
* What cannot be computed is NaN and says why in `radiomics_reason`; the lesion's row stays.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadInput
from livermets.imaging.geometry import same_grid
from livermets.radiomics import crops as radiomics_cuts
from livermets.radiomics import feature_files as radiomics_tables
from livermets.radiomics.feature_files import REASON
from livermets.radiomics.feature_sets import ORIGINAL, FeatureSet, feature_sets
from livermets.radiomics.lazy_pyradiomics import imageoperations
from livermets.radiomics.regions import Region, Scan


def extract_lesion(
    ct: sitk.Image,
    labelled: sitk.Image,
    lesion: int,
    settings: dict,
    classes: Sequence[str],
    sets: Mapping[str, dict] = ORIGINAL,
    organs: sitk.Image | None = None,
) -> dict:
    """The features of one lesion, as `{"lesion", "original_<class>_<Feature>"..., REASON}`.

    Parameters
    ----------
    ct : the CT in HU
    labelled : lesions 1..n on the same grid
    lesion : which of them
    settings : pyradiomics' settings ("binWidth", "resampledPixelSpacing", ...)
    classes : some of `livermets.radiomics.feature_classes.CLASSES`
    sets : see `livermets.radiomics.feature_sets.feature_sets`; those of the liver are left out, as they are
        the same for all lesions (`liver_features`)
    organs : the patient's mask (1 liver, 2 lesion), needed by rings

    Raises
    ------
    BadInput : unknown setting, class or set, another grid, no such lesion
    """
    made = _of_lesions(settings, classes, sets)
    scans = _scans(ct, labelled, organs, made)
    if lesion not in (found := _lesions(scans)):
        raise _no_such_lesion("the lesion image", found, lesion)
    return _row(_cut(scans, lesion, made), lesion, made)


def extract_patient(
    ct: sitk.Image,
    labelled: sitk.Image,
    settings: dict,
    classes: Sequence[str],
    sets: Mapping[str, dict] = ORIGINAL,
    organs: sitk.Image | None = None,
) -> list[dict]:
    """The rows of all lesions in ascending order, each equal to `extract_lesion`'s.

    The sets of the liver are in each row, as `with_liver` lays them there.
    """
    made = _of_lesions(settings, classes, sets)
    scans = _scans(ct, labelled, organs, made)
    rows = [_row(_cut(scans, n, made), n, made) for n in _lesions(scans)]
    return with_liver(rows, ct, labelled, settings, classes, sets, organs)


def extract_files(
    ct: str | Path,
    labelled: str | Path,
    organs: str | Path | None,
    output: str | Path,
    settings: dict,
    classes: Sequence[str],
    sets: Mapping[str, dict] = ORIGINAL,
) -> None:
    """`extract_patient` from files to a file; an empty lesion image (the patient is out) is no row.

    `organs` may be None or empty where no set needs the patient's mask.
    """
    rows: list[dict] = []
    if Path(labelled).stat().st_size:
        images = [sitk.ReadImage(str(path)) for path in (ct, labelled)]
        mask = sitk.ReadImage(str(organs)) if organs else None
        rows = extract_patient(*images, settings, classes, sets, mask)
    write_rows(rows, output, settings, classes, sets)


def cut_files(
    ct: str | Path,
    labelled: str | Path,
    organs: str | Path | None,
    output: str | Path,
    settings: dict,
    classes: Sequence[str],
    sets: Mapping[str, dict] = ORIGINAL,
) -> None:
    """What `extract_cut` needs of a patient's images, lesion by lesion, to a file of cuts.

    Reading and searching a whole CT takes longer than a lesion's features: here it is done once.
    """
    images = [sitk.ReadImage(str(path)) for path in (ct, labelled)]
    made = _of_lesions(settings, classes, sets)
    scans = _scans(*images, sitk.ReadImage(str(organs)) if organs else None, made)
    radiomics_cuts.write_cuts(output, ((n, _cut(scans, n, made)) for n in _lesions(scans)))


def extract_cut(
    cuts: str | Path,
    lesion: int,
    settings: dict,
    classes: Sequence[str],
    sets: Mapping[str, dict] = ORIGINAL,
) -> dict:
    """`extract_lesion` from the file of `cut_files`, made with the same settings and sets."""
    found = radiomics_cuts.read_cuts(cuts, lesion)
    if not found:
        raise _no_such_lesion(str(cuts), radiomics_cuts.lesions(cuts), lesion)
    return _row(found, lesion, _of_lesions(settings, classes, sets))


def with_liver(
    rows: list[dict],
    ct: sitk.Image,
    labelled: sitk.Image,
    settings: dict,
    classes: Sequence[str],
    sets: Mapping[str, dict] = ORIGINAL,
    organs: sitk.Image | None = None,
) -> list[dict]:
    """The rows of a patient's lesions with the features of the liver, measured once, in each."""
    made = [s for s in feature_sets(settings, classes, sets) if s.region == "liver"]
    if not rows or not made:
        return rows
    found = _row(_cut(_scans(ct, labelled, organs, made), None, made), None, made)
    del found["lesion"]
    text = found.pop(REASON)
    return [row | found | {REASON: "; ".join(filter(None, (row[REASON], text)))} for row in rows]


def feature_names(
    settings: dict,
    classes: Sequence[str],
    sets: Mapping[str, dict] = ORIGINAL,
    *,
    liver: bool = True,
) -> list[str]:
    """The columns an extraction gives, without extracting anything; with or without the liver's."""
    made = feature_sets(settings, classes, sets)
    return [name for s in made if liver or s.region != "liver" for name in s.columns]


def write_rows(
    rows: list[dict],
    path: str | Path,
    settings: dict,
    classes: Sequence[str],
    sets: Mapping[str, dict] = ORIGINAL,
    *,
    liver: bool = True,
) -> None:
    """Write the rows of lesions (without the sets of the liver) or of a patient to Parquet."""
    names = feature_names(settings, classes, sets, liver=liver)
    radiomics_tables.write_rows(rows, path, names, _made_with(settings, classes, sets))


def read_lesions(
    paths: Sequence[str | Path],
    settings: dict,
    classes: Sequence[str],
    sets: Mapping[str, dict] = ORIGINAL,
) -> list[dict]:
    """The rows of a patient's lesion files, by lesion; no file gives no row.

    Raises BadInput where a file was extracted with other settings, classes, sets or versions.
    """
    return radiomics_tables.read_alike(paths, _made_with(settings, classes, sets))


def _made_with(settings: dict, classes: Sequence[str], sets: Mapping[str, dict]) -> dict:
    return {"settings": settings, "classes": list(classes), "sets": dict(sets)}


def _scans(
    ct: sitk.Image, labelled: sitk.Image, organs: sitk.Image | None, sets: Sequence[FeatureSet]
) -> dict[str, Scan]:
    """The patient's images for each way of normalising the CT that the sets ask for."""
    labelled = _on_grid(labelled, ct, "lesion image")
    if organs is not None:
        organs = _on_grid(organs, ct, "mask")
    elif needing := [s.name for s in sets if s.region != "lesion"]:
        raise BadInput(f"radiomics.sets.{needing[0]} needs the liver: give the patient's mask")
    scans: dict[str, Scan] = {}
    for chosen in sets:
        if (key := _normalisation(chosen)) not in scans:
            whole = chosen.settings["normalize"]  # by the mean and deviation of the whole CT
            grey = imageoperations.normalizeImage(ct, **chosen.settings) if whole else ct
            scans[key] = Scan(grey, labelled, organs)
    return scans


def _normalisation(chosen: FeatureSet) -> str:
    return str([chosen.settings[k] for k in ("normalize", "normalizeScale", "removeOutliers")])


def _on_grid(image: sitk.Image, ct: sitk.Image, what: str) -> sitk.Image:
    if not same_grid(image, ct):
        raise BadInput(
            f"CT {ct.GetSize()} and {what} {image.GetSize()} lie on different grids: "
            "split the lesions again on this CT"
        )
    if not same_grid(image, ct, tolerance_mm=0):  # rounding, which pyradiomics would refuse
        image = sitk.Image(image)
        image.CopyInformation(ct)
    return image


def _of_lesions(
    settings: dict, classes: Sequence[str], sets: Mapping[str, dict]
) -> list[FeatureSet]:
    """The sets that are measured lesion by lesion."""
    return [s for s in feature_sets(settings, classes, sets) if s.region != "liver"]


def _lesions(scans: dict[str, Scan]) -> list[int]:
    return sorted(next(iter(scans.values())).boxes)


def _no_such_lesion(where: str, found: list[int], lesion: int) -> BadInput:
    return BadInput(
        f"{where} holds lesions {found}, not {lesion}: "
        "split the lesions again and extract from that image"
    )


def _cut(
    scans: dict[str, Scan], lesion: int | None, sets: Sequence[FeatureSet]
) -> dict[str, Region | str]:
    """What each set needs of the scan, or why there is nothing."""
    return {chosen.name: chosen.cut(scans[_normalisation(chosen)], lesion) for chosen in sets}


def _row(
    regions: Mapping[str, Region | str], lesion: int | None, sets: Sequence[FeatureSet]
) -> dict:
    """One lesion's features, and why some are missing."""
    row: dict = {"lesion": lesion}
    reasons = []
    for chosen in sets:
        values, reason = chosen.features(regions[chosen.name], lesion)
        row |= dict.fromkeys(chosen.columns, np.nan) | values
        reasons.append(reason)
    return row | {REASON: "; ".join(filter(None, reasons))}
