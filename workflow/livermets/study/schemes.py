"""The names a study is made of (splits, arms, baselines), known before anything has run.

The workflow asks for these while it reads the config, so this file uses the standard library
alone (the registry of classifiers does, too).
"""

from collections.abc import Iterable

from livermets.study.classifiers import CLASSIFIERS

MODELS = tuple(CLASSIFIERS)
RESAMPLINGS = ("none", "weights", "undersample", "smote")
BASELINES = ("majority", "volume", "burden", "clinical", "radiomics_clinical")
SELECTED = "selected"  # the arm that inner cross-validation would have chosen
WHOLE = "original"  # the feature sets that the others of `classification.compare_sets` stand beside
CLINICAL = "clinical_"  # prefix of the clinical columns in the features table
# pyradiomics' names of a lesion's volume, the voxel count first
_VOLUMES = ("shape_VoxelVolume", "shape_MeshVolume", "shape_Volume")


def split_names(
    holdout: dict | None = None,
    cv: dict | None = None,
    given: bool = False,
    site: dict | None = None,
    sites: Iterable[str] = (),
) -> list[str]:
    """The splits of a study in their order, by the keys of `splits:` and the patients' `sites`.

    >>> split_names({"test_per_class": 4}, {"folds": 2, "repeats": 2})
    ['holdout', 'cv1-fold1', 'cv1-fold2', 'cv2-fold1', 'cv2-fold2']
    >>> split_names(given=True, site={"test": "each"}, sites=["B", "A", "B"])
    ['given', 'site-A', 'site-B']
    >>> split_names(site={"test": ["B"]}, sites=["A", "B"])
    ['external']
    """
    names = ["holdout"] if holdout else []
    if cv:
        names += [
            cv_name(repeat, fold)
            for repeat in range(1, cv.get("repeats", 1) + 1)
            for fold in range(1, cv["folds"] + 1)
        ]
    names += ["given"] * given
    if site:
        each = site["test"] == "each"
        names += [site_name(one) for one in sorted(set(sites))] if each else ["external"]
    return names


def site_name(site: str) -> str:
    """The split in which this site is tested and the others train; a site's name is as an id's."""
    return f"site-{site}"


def cv_name(repeat: int, fold: int) -> str:
    """Name of one fold of one repeat of the cross-validation, both counted from 1."""
    return f"cv{repeat}-fold{fold}"


def arm_name(model: str, resampling: str) -> str:
    """The arm of a radiomics classifier with a way of resampling: `knn-smote`."""
    return f"{model}-{resampling}"


def arm_names(models: Iterable[str], resampling: Iterable[str]) -> list[str]:
    """Every model with every way of resampling it takes, in the order given.

    Class weights (`weights`) are only for classifiers that can weigh rows.

    >>> arm_names(["knn", "svm"], ["none", "weights"])
    ['knn-none', 'svm-none', 'svm-weights']
    """
    ways = list(resampling)
    return [arm_name(model, way) for model in models for way in ways if takes(model, way)]


def sets_arm(arm: str, learns_from: str) -> str:
    """An arm that learns from an entry of `classification.compare_sets`: `knn-none@shuffled`."""
    return f"{arm}@{learns_from}"


def split_sets(arm: str) -> tuple[str, str]:
    """The arm as it is without its choice of feature sets, and that choice ("" where it has none).

    >>> split_sets("knn-none@shuffled"), split_sets("knn-none")
    (('knn-none', 'shuffled'), ('knn-none', ''))
    """
    arm, _, learns_from = arm.partition("@")
    return arm, learns_from


def takes(model: str, way: str) -> bool:
    """Whether there is an arm of this model with this way of resampling."""
    return way in RESAMPLINGS and (way != "weights" or CLASSIFIERS[model].weighted)


def baseline_name(baseline: str) -> str:
    """The arm of a baseline: `baseline_volume`."""
    return f"baseline_{baseline}"


def volume_column(columns: Iterable[str]) -> str | None:
    """The column that tells a lesion's volume: `volume_ml`, else a radiomics shape feature."""
    columns = list(columns)
    if "volume_ml" in columns:
        return "volume_ml"
    return next((c for end in _VOLUMES for c in columns if c.endswith(end)), None)


def available_baselines(columns: Iterable[str]) -> list[str]:
    """The baselines that a features table with these columns has the columns for."""
    columns = list(columns)
    available = {
        "majority": True,
        "volume": volume_column(columns) is not None,
        "burden": "burden" in columns,
        "clinical": any(column.startswith(CLINICAL) for column in columns),
        "radiomics_clinical": any(column.startswith(CLINICAL) for column in columns),
    }
    return [name for name in BASELINES if available[name]]
