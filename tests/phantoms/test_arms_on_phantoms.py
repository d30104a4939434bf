"""Arms of a study of phantoms: what differs between the classes is what the arms show."""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from helpers.feature_tables import folds_of
from helpers.training import baseline, train
from livermets.phantoms.phantom import make_phantom
from livermets.radiomics.extraction import LesionExtractor
from scipy import ndimage
from sklearn.metrics import roc_auc_score

CLASSES = ["colorectal", "pancreatic"]
TEXTURE = ["glcm", "glrlm", "glszm"]
SETS = {"original": {}, "shuffled": {"shuffle": True, "seed": 1}}
GRID = {"size": (32, 96, 96), "spacing_mm": (2.5, 2.5, 3.0)}


def cohort(differ_by: str) -> pd.DataFrame:
    """Texture features and volume of every lesion of 24 patients."""
    extractor = LesionExtractor({"binWidth": 25}, TEXTURE, SETS)
    tables = []
    for number in range(24):
        label = CLASSES[number % 2]
        ct, mask = make_phantom(
            f"P{number:02d}", label, CLASSES, 2023, differ_by=differ_by, **GRID,
            lesions_per_class=dict.fromkeys(CLASSES, 8),
        )  # fmt: skip
        labelled, _ = ndimage.label(sitk.GetArrayFromImage(mask) == 2, np.ones((3, 3, 3)))
        lesions = sitk.GetImageFromArray(labelled.astype(np.uint16))
        lesions.CopyInformation(mask)
        table = pd.DataFrame(extractor.extract(ct, lesions)).drop(columns="radiomics_reason")
        volumes = np.bincount(labelled.ravel())[table["lesion"]] * np.prod(GRID["spacing_mm"])
        table.insert(0, "patient", f"P{number:02d}")
        table.insert(1, "label", label)
        tables.append(table.assign(volume_ml=volumes / 1000))
    return pd.concat(tables, ignore_index=True)


def auc(predictions: pd.DataFrame) -> float:
    """By patient: the mean over the folds."""
    means = predictions.groupby(["split", "patient", "label"], as_index=False)["score"].mean()
    return np.mean(
        [
            roc_auc_score(fold["label"] == "pancreatic", fold["score"])
            for _, fold in means.groupby("split")
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("differ_by", ["texture", "size"])
def test_texture_and_size_are_told_apart_by_the_arms_that_should(differ_by):
    """24 patients in 4 folds: a null AUC has a standard deviation of about .14."""
    table = cohort(differ_by)
    splits = folds_of(table, 4)

    def radiomics(of_set):
        columns = [name for name in table if name.startswith(of_set)]
        return auc(train(table, splits, "logistic_regression", columns=columns)[0])

    original, shuffled = radiomics("original"), radiomics("shuffled")
    volume = auc(baseline("volume", table, splits)[0])
    print(f"{differ_by}: original {original:.2f}, shuffled {shuffled:.2f}, volume {volume:.2f}")
    if differ_by == "texture":
        assert original > 0.9
        assert max(shuffled, volume) < 0.8
    else:
        assert min(original, shuffled, volume) > 0.9
