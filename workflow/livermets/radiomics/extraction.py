"""Radiomics of single lesions: pyradiomics' values in a fraction of its time.

pyradiomics' own extractor spends most of its time on copies of the whole CT. `LesionExtractor`
crops each lesion first and hands the crop to the functions and feature classes of pyradiomics
3.0.1 (van Griethuysen et al. 2017, doi 10.1158/0008-5472.CAN-17-0339). Two things differ on
purpose:

* 2-D shape is measured on the lesion's largest axial slice, as in Tharmaseelan et al. 2023
  (doi 10.1186/s40644-023-00612-4). pyradiomics measures it on flat masks only.
* A feature that cannot be computed is NaN, and the column `radiomics_reason` says why. The row of
  the lesion stays.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadInput
from livermets.imaging.geometry import same_grid
from livermets.radiomics import feature_files
from livermets.radiomics.crops import Crops, lesions_in, read_crops, write_crops
from livermets.radiomics.feature_files import REASON
from livermets.radiomics.feature_sets import ORIGINAL, FeatureSet, build_feature_sets
from livermets.radiomics.regions import Region, Scan, lesion_boxes

Row = dict  # "lesion", one value for each column, and REASON


class LesionExtractor:
    """Extractor of radiomics features, one row a lesion.

    Parameters
    ----------
    settings : dict
        Settings of pyradiomics ("binWidth", "resampledPixelSpacing", ...).
    feature_classes : sequence of str
        Some of `livermets.radiomics.feature_classes.FEATURE_CLASSES`.
    sets : mapping of str to dict
        Feature sets, as `livermets.radiomics.feature_sets.build_feature_sets` takes them.

    Raises
    ------
    BadInput
        If a setting, a class or the name of a set is not valid.

    Examples
    --------
    >>> extractor = LesionExtractor({"binWidth": 25}, ["firstorder"])
    >>> extractor.columns[-1]
    'original_firstorder_Variance'
    """

    def __init__(
        self,
        settings: dict,
        feature_classes: Sequence[str],
        sets: Mapping[str, dict] = ORIGINAL,
    ) -> None:
        # Stored in every file of features, where the key of the classes has always been "classes".
        self.parameters = {
            "settings": settings,
            "classes": list(feature_classes),
            "sets": dict(sets),
        }
        self.sets = build_feature_sets(settings, feature_classes, sets)
        self.lesion_sets = tuple(s for s in self.sets if s.region != "liver")
        self.liver_sets = tuple(s for s in self.sets if s.region == "liver")

    @property
    def columns(self) -> list[str]:
        """Names of all features."""
        return [name for feature_set in self.sets for name in feature_set.columns]

    @property
    def lesion_columns(self) -> list[str]:
        """Names of the features without those of the liver."""
        return [name for feature_set in self.lesion_sets for name in feature_set.columns]

    def extract(
        self, ct: sitk.Image, lesions: sitk.Image, liver_mask: sitk.Image | None = None
    ) -> list[Row]:
        """Extract the features of all lesions, in ascending order.

        Parameters
        ----------
        ct : SimpleITK.Image
            CT in HU.
        lesions : SimpleITK.Image
            Lesions numbered from 1, on the same grid.
        liver_mask : SimpleITK.Image, optional
            Mask of the patient (1 liver, 2 lesion). Rings and the liver need it.

        Returns
        -------
        list of dict
            "lesion", the features by `columns`, and `REASON`. The features of the liver are the
            same in each row.

        Raises
        ------
        BadInput
            If the images lie on different grids or a set lacks the mask.
        """
        rows = self.extract_lesions(ct, lesions, liver_mask)
        return self.add_liver(rows, ct, lesions, liver_mask)

    def extract_lesions(
        self, ct: sitk.Image, lesions: sitk.Image, liver_mask: sitk.Image | None = None
    ) -> list[Row]:
        """Extract as `extract` does, but without the features of the liver."""
        return [
            self.extract_crops(crops, lesion)
            for lesion, crops in self.crop(ct, lesions, liver_mask)
        ]

    def crop(
        self, ct: sitk.Image, lesions: sitk.Image, liver_mask: sitk.Image | None = None
    ) -> Iterator[tuple[int, Crops]]:
        """Crop each lesion for each feature set; yields the lesion's number and its crops."""
        scans = _scans(ct, lesions, liver_mask, self.lesion_sets)
        boxes = next(iter(scans.values())).boxes if scans else lesion_boxes(lesions)
        for lesion in sorted(boxes):
            yield lesion, _crops(scans, lesion, self.lesion_sets)

    def extract_crops(self, crops: Crops, lesion: int) -> Row:
        """Extract the features of one lesion from its crops."""
        return _row(crops, lesion, self.lesion_sets)

    def add_liver(
        self,
        rows: list[Row],
        ct: sitk.Image,
        lesions: sitk.Image,
        liver_mask: sitk.Image | None = None,
    ) -> list[Row]:
        """Extract the features of the liver once and add them to each row of the patient."""
        if not rows or not self.liver_sets:
            return rows
        scans = _scans(ct, lesions, liver_mask, self.liver_sets)
        liver = _row(_crops(scans, None, self.liver_sets), None, self.liver_sets)
        del liver["lesion"]
        reason = liver.pop(REASON)
        return [
            row | liver | {REASON: "; ".join(filter(None, (row[REASON], reason)))} for row in rows
        ]

    def extract_files(
        self,
        ct: str | Path,
        lesions: str | Path,
        liver_mask: str | Path | None,
        output: str | Path,
    ) -> None:
        """Extract the features of a patient's image files to a file.

        Parameters
        ----------
        ct, lesions : str or Path
            Images as `extract` takes them. An empty file of lesions (the patient is excluded)
            gives a table without rows.
        liver_mask : str, Path or None
            None or empty if no set needs the mask of the patient.
        output : str or Path
            Parquet file.
        """
        has_lesions = Path(lesions).stat().st_size > 0
        rows = self.extract(*read_images(ct, lesions, liver_mask)) if has_lesions else []
        self.write(rows, output)

    def crop_files(
        self,
        ct: str | Path,
        lesions: str | Path,
        liver_mask: str | Path | None,
        output: str | Path,
    ) -> None:
        """Crop the lesions of a patient's image files to a file of crops.

        Reading and searching a whole CT takes longer than the features of a lesion. With the crops
        it is done once for all lesions.
        """
        write_crops(output, self.crop(*read_images(ct, lesions, liver_mask)))

    def extract_crop_file(self, path: str | Path, lesion: int) -> Row:
        """Extract one lesion from a file of `crop_files` with the same settings and sets.

        Raises
        ------
        BadInput
            If the file does not have the lesion.
        """
        crops = read_crops(path, lesion)
        if not crops:
            raise BadInput(
                f"{path} holds lesions {lesions_in(path)}, not {lesion}: "
                "run the rule label_lesions again and extract from that image"
            )
        return self.extract_crops(crops, lesion)

    def write(self, rows: list[Row], path: str | Path, *, liver: bool = True) -> None:
        """Write rows to Parquet, with or without the features of the liver."""
        columns = self.columns if liver else self.lesion_columns
        feature_files.write_rows(rows, path, columns, self.parameters)

    def read(self, paths: Sequence[str | Path]) -> list[Row]:
        """Read the rows of a patient's lesion files, by lesion.

        Raises
        ------
        BadInput
            If a file was extracted with other settings, classes, sets or versions.
        """
        return feature_files.read_lesion_files(paths, self.parameters)


def read_images(
    ct: str | Path, lesions: str | Path, liver_mask: str | Path | None
) -> tuple[sitk.Image, sitk.Image, sitk.Image | None]:
    """Read a patient's CT, lesions and, where a path is given, mask."""
    mask = sitk.ReadImage(str(liver_mask)) if liver_mask else None
    return sitk.ReadImage(str(ct)), sitk.ReadImage(str(lesions)), mask


def _scans(
    ct: sitk.Image,
    lesions: sitk.Image,
    liver_mask: sitk.Image | None,
    sets: Sequence[FeatureSet],
) -> dict[str, Scan]:
    """Images of a patient for each way of normalising the CT that the sets need."""
    lesions = _on_grid(lesions, ct, "lesion image")
    if liver_mask is not None:
        liver_mask = _on_grid(liver_mask, ct, "mask")
    elif needing := [s.name for s in sets if s.region != "lesion"]:
        raise BadInput(
            f"radiomics.feature_sets.{needing[0]} needs the liver: give the patient's mask"
        )
    scans: dict[str, Scan] = {}
    for feature_set in sets:
        if feature_set.normalisation not in scans:
            scan = Scan(feature_set.normalise(ct), lesions, liver_mask)
            scans[feature_set.normalisation] = scan
    return scans


def _on_grid(image: sitk.Image, ct: sitk.Image, title: str) -> sitk.Image:
    """The image on exactly the grid of the CT; BadInput if they differ by more than rounding."""
    if not same_grid(image, ct):
        raise BadInput(
            f"CT {ct.GetSize()} and {title} {image.GetSize()} lie on different grids: "
            "run the rule label_lesions again on this CT"
        )
    if not same_grid(image, ct, tolerance_mm=0):  # rounding, which pyradiomics would refuse
        image = sitk.Image(image)
        image.CopyInformation(ct)
    return image


def _crops(
    scans: Mapping[str, Scan], lesion: int | None, sets: Sequence[FeatureSet]
) -> dict[str, Region | str]:
    return {s.name: s.crop(scans[s.normalisation], lesion) for s in sets}


def _row(crops: Crops, lesion: int | None, sets: Sequence[FeatureSet]) -> Row:
    """Features of a lesion or, for None, of the liver, with the reasons of missing ones."""
    row: Row = {"lesion": lesion}
    reasons = []
    for feature_set in sets:
        values, reason = feature_set.extract(crops[feature_set.name], lesion)
        row |= dict.fromkeys(feature_set.columns, np.nan) | values
        reasons.append(reason)
    return row | {REASON: "; ".join(filter(None, reasons))}
