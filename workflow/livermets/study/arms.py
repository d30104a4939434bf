"""Arms of a study: their names in files, their titles in print, and their order in tables.

An arm is a model with a way of resampling and, where feature sets are compared, a choice of them:
`knn-smote`, `knn-none@shuffled`, `densenet121`, `baseline_volume`. Where a patient's score is not
the mean of the lesions' scores, the name ends in the way of pooling: `selected~largest`. Files and
tables carry the name; `Arm.parse` tells its parts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from livermets.study.classifiers import CLASSIFIERS
from livermets.study.fusion import FUSION_TITLES, fusion_arm
from livermets.study.names import DENSENET, EMBEDDINGS, RADIOMICS, WITH_EMBEDDINGS
from livermets.study.pooling import LESION_POOLING, PATIENT_POOLING, slice_arm

RESAMPLINGS = {
    "none": "none",
    "weights": "class weights",
    "undersample": "undersampling",
    "smote": "SMOTE",
}  # name -> title
SELECTED = "selected"  # the arm that inner cross-validation chooses in each split
BASELINES = {
    "majority": "Majority class",
    "volume": "Lesion volume alone",
    "burden": "Tumour burden and lesion count",
    "clinical": "Clinical columns alone",
    "site": "Site alone",
    "radiomics_clinical": "Radiomics and clinical columns",
}  # name -> title
REFERENCE_SETS = (
    "original"  # the entry of `classification.compare_feature_sets` that the others stand beside
)
_SETS_TITLES = {
    EMBEDDINGS: "embeddings of another network",
    WITH_EMBEDDINGS: "radiomics with embeddings of another network",
}  # entry of `classification.compare_feature_sets` -> title; others go by their name
_BASELINE = "baseline_"  # prefix of a baseline's arm
_TITLES = {
    **{name: classifier.title for name, classifier in CLASSIFIERS.items()},
    SELECTED: "Selected by inner cross-validation",
    RADIOMICS: "Radiomics",
    DENSENET: "DenseNet-121",
    **{slice_arm(name): f"DenseNet-121, {title}" for name, title in LESION_POOLING.items()},
    **{fusion_arm(name): title for name, title in FUSION_TITLES.items()},
    **{_BASELINE + name: title for name, title in BASELINES.items()},
}
_FAMILIES = ("radiomics", "sets", "deep", "fusion", "other", "baseline")


@dataclass(frozen=True)
class Arm:
    """An arm: a model, its way of resampling and its choice of feature sets.

    Arms compare in the order of the tables: radiomics as in the paper, arms of feature sets, deep
    learning, both joined, tables that the user added, baselines.

    Parameters
    ----------
    model : str
        A classifier of the registry, `selected`, `densenet121`, `densenet121_{pooling of slices}`,
        `fusion_{method}`, `baseline_{name}`, `radiomics` (attention over lesions alone), or the
        whole name of an arm that the user added.
    resampling : str
        A key of `RESAMPLINGS`; "" where the arm has none.
    feature_sets : str
        An entry of `classification.compare_feature_sets`; "" for the study's own choice.
    pooling : str
        How the lesions' scores become the patient's, a key of `PATIENT_POOLING`; "" for their mean.
    """

    model: str
    resampling: str = ""
    feature_sets: str = ""
    pooling: str = ""

    @staticmethod
    @cache
    def parse(name: str) -> "Arm":
        """Parse the name of an arm, as files and tables have it.

        >>> Arm.parse("kernel_svm-smote")
        Arm(model='kernel_svm', resampling='smote', feature_sets='', pooling='')
        >>> Arm.parse("knn-none@shuffled").feature_sets
        'shuffled'
        >>> Arm.parse("selected~largest").pooling
        'largest'
        >>> Arm.parse("my-own-model~2")
        Arm(model='my-own-model~2', resampling='', feature_sets='', pooling='')
        """
        by_mean, _, pooling = name.rpartition("~")
        if not by_mean or pooling not in PATIENT_POOLING:
            by_mean, pooling = name, ""
        plain, _, feature_sets = by_mean.partition("@")
        model, _, resampling = plain.rpartition("-")
        if model and resampling in RESAMPLINGS:
            return Arm(model, resampling, feature_sets, pooling)
        return Arm(plain, "", feature_sets, pooling)

    def __str__(self) -> str:
        """The name, as files and tables have it."""
        name = f"{self.model}-{self.resampling}" if self.resampling else self.model
        name = f"{name}@{self.feature_sets}" if self.feature_sets else name
        return f"{name}~{self.pooling}" if self.pooling else name

    def __lt__(self, other: "Arm") -> bool:
        """Whether this arm stands before the other in tables and figures."""
        return self._order < other._order

    @property
    def _order(self) -> tuple:
        models, resamplings, poolings = list(_TITLES), list(RESAMPLINGS), list(PATIENT_POOLING)
        return (
            _FAMILIES.index(self.family),
            models.index(self.model) if self.model in models else len(models),
            self.model,
            resamplings.index(self.resampling) if self.resampling else -1,
            self.feature_sets != REFERENCE_SETS,
            self.feature_sets,
            poolings.index(self.pooling) if self.pooling else -1,
        )

    @property
    def plain(self) -> "Arm":
        """The same model and resampling, by the mean and without a choice of feature sets."""
        return Arm(self.model, self.resampling)

    @property
    def by_mean(self) -> "Arm":
        """The same arm with the mean of the lesions' scores as the patient's."""
        return replace(self, pooling="")

    @property
    def family(self) -> str:
        """One of radiomics, sets (of features), deep, fusion, baseline, other (a user's)."""
        if self.resampling and self.feature_sets:
            return "sets"
        if self.model.startswith(_BASELINE):
            return "baseline"
        if self.model.startswith("densenet"):
            return "deep"
        if self.model in map(fusion_arm, FUSION_TITLES):
            return "fusion"
        return "radiomics" if self.resampling or self.model in _TITLES else "other"

    @property
    def model_title(self) -> str:
        """The model in words, with feature sets and pooling; a user's arm by its own name."""
        title = _TITLES.get(self.model, self.model)
        if self.family == "other":
            title = str(self.by_mean)
        elif self.family == "sets":
            title = f"{title}: {_SETS_TITLES.get(self.feature_sets, self.feature_sets)}"
        return f"{title}, {self.pooling_title}" if self.pooling else title

    @property
    def pooling_title(self) -> str:
        """How a patient's score comes from the lesions', in words; "" for the mean."""
        return PATIENT_POOLING.get(self.pooling, "")

    @property
    def resampling_title(self) -> str:
        """The way of resampling in words; "" where the arm has none."""
        return RESAMPLINGS.get(self.resampling, "")

    @property
    def title(self) -> str:
        """The arm in words: "K-nearest neighbours, SMOTE"."""
        if self.resampling in ("", "none"):
            return self.model_title
        return f"{self.model_title}, {self.resampling_title}"


def takes_resampling(model: str, resampling: str) -> bool:
    """Whether a classifier has an arm with this way of resampling; weights need weighable rows."""
    return resampling in RESAMPLINGS and (resampling != "weights" or CLASSIFIERS[model].weighted)


def classifier_arms(models: Iterable[str], resamplings: Iterable[str]) -> list[str]:
    """Names of the arms of every classifier with every way of resampling it takes, in this order.

    >>> classifier_arms(["knn", "svm"], ["none", "weights"])
    ['knn-none', 'svm-none', 'svm-weights']
    """
    ways = list(resamplings)
    return [
        str(Arm(model, way)) for model in models for way in ways if takes_resampling(model, way)
    ]


def baseline_arm(baseline: str) -> str:
    """Name of the arm of a baseline.

    >>> baseline_arm("volume")
    'baseline_volume'
    """
    return _BASELINE + baseline
