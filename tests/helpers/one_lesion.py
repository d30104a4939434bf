"""The features of one lesion of an image, for tests that compare values."""

import SimpleITK as sitk
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_sets import ORIGINAL


def extract_lesion(
    ct: sitk.Image,
    lesions: sitk.Image,
    lesion: int,
    settings: dict,
    feature_classes: list[str],
    sets: dict = ORIGINAL,
    liver_mask: sitk.Image | None = None,
) -> dict:
    """The row of one lesion, without the features of the liver."""
    extractor = LesionExtractor(settings, feature_classes, sets)
    for number, crops in extractor.crop(ct, lesions, liver_mask):
        if number == lesion:
            return extractor.extract_crops(crops, lesion)
    raise ValueError(f"there is no lesion {lesion}")
