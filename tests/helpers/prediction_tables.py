"""A synthetic study (cohort, splits, predictions, importance, slices) for evaluation's tests."""

from pathlib import Path

import numpy as np
import pandas as pd
from helpers.classes import CLASSES, POSITIVE, THREE_CLASSES
from livermets.study.classifiers import CLASSIFIERS
from scipy.special import expit

BASELINES = ("majority", "volume", "burden", "clinical")


def make_cohort(patients: int = 24, seed: int = 1) -> pd.DataFrame:
    """One row a patient; two more that were excluded."""
    rng = np.random.default_rng(seed)
    names = [f"P{i:02d}" for i in range(1, patients + 1)]
    label = np.where(np.arange(patients) % 2, POSITIVE, CLASSES[0])
    lesions = np.where(
        label == POSITIVE, rng.integers(4, 19, patients), rng.integers(1, 10, patients)
    )
    dropped = rng.integers(0, 3, patients)
    cohort = pd.DataFrame(
        {
            "patient": names,
            "label": label,
            "included": True,
            "stage": "",
            "reason": "",
            "site": "A",
            "age": rng.normal(65, 9, patients).round(1),
            "sex": rng.choice(["F", "M"], patients),
            "n_components": lesions + dropped,
            "n_lesions": lesions,
            "n_dropped": dropped,
            "liver_ml": rng.normal(1500, 200, patients),
            "lesion_ml": rng.gamma(2, 40, patients),
            "burden": rng.beta(2, 20, patients),
            "parenchyma_hu": rng.normal(90, 6, patients),
            "lesion_hu": rng.normal(45, 5, patients),
            "mask_source": rng.choice(["automatic", "corrected", "given"], patients),
        }
    )
    out = cohort.iloc[:2].assign(
        patient=["X1", "X2"],
        included=False,
        stage=["import", "review"],
        reason=["the DICOM folder holds two series", "the mask has no liver <b>&"],
        mask_source=None,
        n_lesions=np.nan,
        n_components=np.nan,
        n_dropped=np.nan,
    )
    return pd.concat([cohort, out], ignore_index=True)


def make_splits(cohort: pd.DataFrame, repeats: int = 2, seed: int = 1) -> pd.DataFrame:
    """The hold-out (4 + 4 test patients) and 5-fold cross-validation, both stratified."""
    rng, rows = np.random.default_rng(seed), []
    used = cohort[cohort["included"].astype(bool)]
    names = {c: list(rng.permutation(used.loc[used["label"] == c, "patient"])) for c in CLASSES}
    order = [name for c in CLASSES for name in names[c]]
    test = {name for c in CLASSES for name in names[c][:4]}
    rows += [("holdout", name, "test" if name in test else "train") for name in order]
    for repeat in range(1, repeats + 1):
        fold = {
            name: i % 5 + 1 for c in CLASSES for i, name in enumerate(rng.permutation(names[c]))
        }
        for f in range(1, 6):
            split = f"cv{repeat}-fold{f}"
            rows += [(split, name, "test" if fold[name] == f else "train") for name in order]
    return pd.DataFrame(rows, columns=["split", "patient", "role"])


def make_predictions(
    cohort: pd.DataFrame, splits: pd.DataFrame, models: list[str] | None = None, seed: int = 1
) -> pd.DataFrame:
    """27 radiomics arms, DenseNet and four baselines, of growing strength."""
    rng = np.random.default_rng(seed)
    test = splits[splits["role"] == "test"].merge(cohort, on="patient")
    rows = test.loc[test.index.repeat(test["n_lesions"].astype(int)), ["split", "patient", "label"]]
    rows["lesion"] = rows.groupby(["split", "patient"]).cumcount() + 1
    rows = rows.reset_index(drop=True)
    if models is None:
        models = list(CLASSIFIERS)
    arms = [f"{m}-{r}" for m in models for r in ("none", "undersample", "smote")]
    strength = dict(zip(arms, np.linspace(0.2, 1.8, len(arms)), strict=True)) | {"densenet121": 1.5}
    strength |= {f"baseline_{name}": 0.3 for name in BASELINES}
    sign = np.where(rows["label"] == POSITIVE, 0.5, -0.5)
    names = rows["patient"].unique()
    tables = []
    for arm, gain in strength.items():
        effect = dict(zip(names, rng.normal(size=len(names)), strict=True))
        score = expit(gain * 2 * sign + rows["patient"].map(effect) + rng.normal(size=len(rows)))
        if arm == "baseline_majority":
            score = np.full(len(rows), 0.5)
        tables.append(rows.assign(arm=arm, score=score))
    table = pd.concat(tables, ignore_index=True)
    return table[["arm", "split", "patient", "lesion", "label", "score"]]


def make_importance() -> pd.DataFrame:
    """A Table 2 of 15 features."""
    names = [f"original_glcm_Feature{i}" for i in range(15)]
    falling = np.linspace(0.05, 0, 15)
    return pd.DataFrame(
        {
            "feature": names,
            "importance": falling,
            "sd": 0.01,
            "selected_share": np.linspace(1, 0.2, 15),
            "rank": np.arange(1, 16),
        }
    )


def write_slices(folder: Path, cohort: pd.DataFrame, seed: int = 1) -> list[Path]:
    """Blackened 224 x 224 slices: textured discs of different size."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:224, :224] - 112
    paths = []
    for row in cohort[cohort["included"].astype(bool)].itertuples():
        lesion = np.repeat(np.arange(1, int(row.n_lesions) + 1), 2)
        radius = rng.integers(15, 90, len(lesion))
        inside = np.hypot(y, x)[None] < radius[:, None, None]
        noise = rng.normal(130, 25, (len(lesion), 224, 224)).clip(1, 255)
        paths.append(folder / f"{row.patient}.npz")
        images = (inside * noise).astype(np.uint8)
        np.savez(paths[-1], images=images, lesion=lesion, z=np.arange(len(lesion)))
    return paths


def make_history(splits=("holdout", "cv1-fold1", "cv1-fold2"), epochs: int = 12) -> pd.DataFrame:
    """Losses of DenseNet-121 that fall in training and rise again in validation.

    The lowest validation loss is in epoch 6.
    """
    epoch = np.arange(1, epochs + 1)
    parts = []
    for place, split in enumerate(splits):
        valid = 0.55 + 0.004 * (epoch - 6) ** 2 + 0.02 * place
        best = valid <= np.minimum.accumulate(valid)
        train = 0.7 * np.exp(-epoch / 8)
        losses = {"train_loss": train, "valid_loss": valid, "valid_auc": 0.75, "best": best}
        parts.append(pd.DataFrame({"split": split, "epoch": epoch, **losses}))
    return pd.concat(parts, ignore_index=True)


def make_three_classes(patients: int = 24, seed: int = 3) -> tuple[pd.DataFrame, ...]:
    """Cohort, splits and predictions of three classes: two arms and the volume baseline."""
    cohort = make_cohort(patients, seed)
    cohort["label"] = np.resize(THREE_CLASSES, len(cohort))
    used = cohort[cohort["included"].astype(bool)]
    rows = [
        (f"cv1-fold{fold + 1}", patient, "test" if place // 3 % 4 == fold else "train")
        for fold in range(4)
        for place, patient in enumerate(used["patient"])
    ]
    splits = pd.DataFrame(rows, columns=["split", "patient", "role"])
    test = splits[splits["role"] == "test"].merge(cohort, on="patient")
    table = test.loc[test.index.repeat(test["n_lesions"].astype(int))]
    table = table[["split", "patient", "label"]].reset_index(drop=True)
    table["lesion"] = table.groupby("patient").cumcount() + 1
    rng, tables = np.random.default_rng(seed), []
    truth = np.stack([table["label"] == name for name in THREE_CLASSES], axis=1)
    for arm, gain in {"knn-none": 1.5, "knn-smote": 0.8, "baseline_volume": 0.3}.items():
        chance = np.exp(gain * truth + rng.normal(size=truth.shape))
        chance /= chance.sum(axis=1, keepdims=True)
        scores = {f"score_{name}": chance[:, i] for i, name in enumerate(THREE_CLASSES)}
        tables.append(table.assign(arm=arm, score=scores["score_pancreatic"], **scores))
    return cohort, splits, pd.concat(tables, ignore_index=True)
