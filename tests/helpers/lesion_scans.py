"""CTs with lesions made of arrays, and pyradiomics' own values of them."""

import numpy as np
from helpers.images import image_of
from livermets.radiomics.feature_classes import FEATURE_CLASSES
from radiomics.featureextractor import RadiomicsFeatureExtractor

DEFAULT = {"binWidth": 25}
AXIAL = (1, 0, 0, 0, 1, 0, 0, 0, 1)


def image(array, spacing=(0.7421875, 0.8, 5.0), direction=AXIAL):
    """The volume of an array away from the origin, by default with a CT's thick slices."""
    return image_of(array, spacing, (-171.3, 12.7, -640.1), direction)


def ball(shape, centre, radii):
    """The voxels of an ellipsoid."""
    grid = np.indices(shape).reshape(3, -1).T
    return (((grid - centre) / radii) ** 2).sum(1).reshape(shape) <= 1


def four_lesions():
    """A noisy CT and four lesions: two touching, one at the border, one in a corner."""
    shape = (22, 110, 120)
    rng = np.random.default_rng(7)
    grey = rng.normal(90, 20, shape)
    labels = np.zeros(shape, np.uint16)
    where = [
        ((9, 50, 60), (4, 9, 11)),
        ((9, 50, 78), (3, 6, 7)),
        ((12, 2, 100), (3, 7, 6)),
        ((0, 108, 1), (3, 8, 8)),
    ]
    for lesion, (centre, radii) in enumerate(where, start=1):
        inside = ball(shape, centre, radii)
        labels[inside & (labels == 0)] = lesion
        grey[inside] -= 45
    return image(grey.round().astype(np.int16)), image(labels)


def noise(labels):
    """A CT of noise on the grid of labels."""
    grey = np.random.default_rng(3).normal(60, 25, labels.shape)
    return image(grey.astype(np.int16))


def one_lesion(*where):
    """Labels with a lesion of this box."""
    labels = np.zeros((12, 20, 20), np.uint16)
    labels[where] = 1
    return labels


def on_whole_ct(ct, labelled, lesion, settings, classes=FEATURE_CLASSES):
    """pyradiomics' own extraction, on nothing but the CT and mask as they are."""
    extractor = RadiomicsFeatureExtractor(**{**settings, "additionalInfo": False})
    extractor.disableAllFeatures()
    for name in classes:
        if name != "shape2D":
            extractor.enableFeatureClassByName(name)
    return {k: float(v) for k, v in extractor.execute(ct, labelled, label=lesion).items()}


def missing(row):
    """The features of a row that are missing."""
    return {k for k, v in row.items() if isinstance(v, float) and np.isnan(v)}
