"""The LIDC-IDRI lesions as studies: crops, radiomics, configuration and the arm of the diameter.

The folder holds crops of CTs around pulmonary nodules of LIDC-IDRI (10.7937/K9/TCIA.2015.LO9QL9SX):
`ct/{file}` and `mask/{file}` as NIfTI, and `lesions.csv` with patient, nodule, file, diagnosis
(Benign, Malign: the opinion of four readers, no histology) and diameter_mm.
"""

import logging
from pathlib import Path
from typing import Any

import cc3d
import numpy as np
import pandas as pd
import SimpleITK as sitk
import yaml
from livermets.core.io import write_table, write_text
from livermets.core.progress import Progress
from livermets.imaging.volumes import write_image
from livermets.masks.labels import Label
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_files import REASON
from livermets.study.config import load_config
from sklearn.linear_model import LogisticRegression

CLASSES = {"Benign": "benign", "Malign": "malignant"}
POSITIVE = "malignant"
DIAMETER_ARM = "diameter_alone"


def read_lesions(data: Path) -> pd.DataFrame:
    """Read the lesions of the patients whose lesions are all of one class.

    Parameters
    ----------
    data : Path
        The folder of the crops.

    Returns
    -------
    DataFrame
        patient, lesion (numbered from 1 in each patient), label, diameter_mm and file. Of 436
        patients with 799 lesions, 359 with 540 lesions are left.
    """
    table = pd.read_csv(data / "lesions.csv", dtype={"patient": str})
    table["label"] = table["diagnosis"].map(CLASSES)
    table = table[table.groupby("patient")["label"].transform("nunique") == 1]
    table = table.sort_values(["patient", "nodule"], ignore_index=True)
    table["lesion"] = table.groupby("patient").cumcount() + 1
    return table[["patient", "lesion", "label", "diameter_mm", "file"]]


def read_crop(data: Path, file: str) -> tuple[sitk.Image, sitk.Image]:
    """Read the CT of one crop, and its mask with the largest piece alone as 1.

    Of 540 masks 16 have specks beside the lesion, which are no lesions.
    """
    ct = sitk.ReadImage(str(data / "ct" / file), sitk.sitkInt16)
    mask = sitk.ReadImage(str(data / "mask" / file), sitk.sitkUInt8)
    largest = cc3d.largest_k(sitk.GetArrayFromImage(mask) > 0, k=1, connectivity=26)
    lesion = sitk.GetImageFromArray((largest > 0).astype(np.uint8))
    lesion.CopyInformation(mask)
    return ct, lesion


def write_crops(data: Path, lesions: pd.DataFrame, folder: Path) -> None:
    """Write CT and mask (label 2, as a lesion of the liver) of every lesion that is not there."""
    for kind in ("ct", "mask"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for file in lesions["file"]:
        if (folder / "mask" / file).exists():  # a new time of change would rerun the study
            continue
        ct, lesion = read_crop(data, file)
        write_image(folder / "ct" / file, ct)
        write_image(folder / "mask" / file, lesion * int(Label.LESION))


def extract_features(data: Path, lesions: pd.DataFrame) -> pd.DataFrame:
    """Extract the default radiomics of every lesion, one row each.

    Returns
    -------
    DataFrame
        patient, lesion, label, diameter_mm, volume_ml, mean_hu, the features and the reason why a
        feature is missing.
    """
    radiomics = load_config({})["radiomics"]
    extractor = LesionExtractor(radiomics["settings"], radiomics["feature_classes"])
    progress, rows = Progress(), []
    for number, cells in enumerate(lesions.to_dict("records"), start=1):
        ct, lesion = read_crop(data, cells.pop("file"))
        (row,) = extractor.extract(ct, lesion)
        inside = sitk.GetArrayViewFromImage(lesion) > 0
        cells["volume_ml"] = float(inside.sum() * np.prod(lesion.GetSpacing()) / 1000)
        cells["mean_hu"] = float(sitk.GetArrayViewFromImage(ct)[inside].mean())
        rows.append({**cells, **{name: row[name] for name in (*extractor.columns, REASON)}})
        progress.tell(f"radiomics of lesion {number} of {len(lesions)}")
    return pd.DataFrame(rows)


def size_matched(table: pd.DataFrame, least_mm: float = 5, most_mm: float = 10) -> pd.DataFrame:
    """The lesions of one range of diameters, numbered anew; both limits are inside."""
    part = table[table["diameter_mm"].between(least_mm, most_mm)].copy()
    part["lesion"] = part.groupby("patient").cumcount() + 1
    return part


def write_study(folder: Path, features: pd.DataFrame, settings: dict[str, Any]) -> None:
    """Write the folder of a study that starts from the features table.

    Parameters
    ----------
    folder : Path
        The folder of the study.
    features : DataFrame
        As `extract_features` returns it.
    settings : dict
        The configuration, but for the classes and the table.
    """
    (folder / "config").mkdir(parents=True, exist_ok=True)
    _write_if_new(folder / "features.parquet", features)
    config = {
        "patients": None,
        "features": "features.parquet",
        "classes": list(CLASSES.values()),
        "positive": POSITIVE,
        **settings,
    }
    write_text(folder / "config" / "config.yaml", yaml.safe_dump(config, sort_keys=False))


def first_patients(lesions: pd.DataFrame, number: int) -> pd.DataFrame:
    """The lesions of the first patients of each class, half of `number` of each."""
    patients = lesions.drop_duplicates("patient").groupby("label", sort=False).head(number // 2)
    return lesions[lesions["patient"].isin(patients["patient"])]


def write_image_study(
    folder: Path, data: Path, lesions: pd.DataFrame, settings: dict[str, Any]
) -> None:
    """Write the folder of a study that starts from the crops: each is a scan with one lesion.

    Parameters
    ----------
    folder : Path
        The folder of the study.
    data : Path
        The folder of the crops.
    lesions : DataFrame
        As `read_lesions` returns it.
    settings : dict
        The configuration, but for the classes, the sheet and what crops without a liver need.
    """
    write_crops(data, lesions, folder)
    (folder / "config").mkdir(exist_ok=True)
    sheet = pd.DataFrame(
        {
            "patient": lesions["patient"],
            "scan": "nodule" + lesions["lesion"].astype(str),
            "label": lesions["label"],
            "ct": "ct/" + lesions["file"],
            "mask": "mask/" + lesions["file"],
        }
    )
    write_table(folder / "config" / "patients.tsv", sheet)
    config = {
        "classes": list(CLASSES.values()),
        "positive": POSITIVE,
        "imaging": {"check_hu": "none"},
        "masks": {"labels": {"liver": None, "lesion": int(Label.LESION)}, "given_type": "manual"},
        "lesions": {"must_touch_liver": False, "min_diameter_mm": 0},
        **settings,
    }
    write_text(folder / "config" / "config.yaml", yaml.safe_dump(config, sort_keys=False))


def diameter_predictions(features: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Score every test lesion by its diameter: logistic regression on its logarithm.

    Parameters
    ----------
    features : DataFrame
        patient, lesion, label and diameter_mm.
    splits : DataFrame
        split, patient, role.

    Returns
    -------
    DataFrame
        A prediction table of the arm `DIAMETER_ARM`.
    """
    parts = []
    for split, roles in splits.groupby("split", sort=False):
        role = features["patient"].map(roles.set_index("patient")["role"])
        train, test = features[role != "test"], features[role == "test"]
        model = LogisticRegression().fit(_log_diameter(train), train["label"] == POSITIVE)
        score = model.predict_proba(_log_diameter(test))[:, 1]
        scored = test[["patient", "lesion", "label"]]
        parts.append(scored.assign(arm=DIAMETER_ARM, split=split, score=score))
    return pd.concat(parts, ignore_index=True)


def add_diameter_arm(folder: Path) -> None:
    """Put the predictions of the diameter beside those of the study's own arms."""
    features = pd.read_parquet(folder / "features.parquet")
    splits = pd.read_parquet(folder / "results" / "splits.parquet")
    target = folder / "results" / "predictions" / f"{DIAMETER_ARM}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    _write_if_new(target, diameter_predictions(features, splits))


def _log_diameter(table: pd.DataFrame) -> np.ndarray:
    return np.log(table[["diameter_mm"]].to_numpy())


def _write_if_new(path: Path, table: pd.DataFrame) -> None:
    """Write the table unless the file holds it: a new time of change would rerun the study."""
    if path.exists() and pd.read_parquet(path).equals(table.reset_index(drop=True)):
        logging.getLogger(__name__).info("%s is up to date", path)
        return
    write_table(path, table.reset_index(drop=True))
