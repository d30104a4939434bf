"""The registry of classifiers. To add one, add its five lines to `CLASSIFIERS`: nothing else.

Classes are named by their path and imported when built, so that reading the registry costs
nothing and an arm loads only the library it needs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Classifier:
    """A scikit-learn classifier: its title, import path, fixed and tuned parameters.

    Attributes
    ----------
    title : str
        Its name in tables and figures.
    path : str
        Where it is imported from, "module.Class".
    fixed : mapping of str to object
        Parameters that differ from the defaults of the library.
    space : mapping of str to sequence
        The values that the randomised search draws from; empty if nothing is tuned. The untuned
        classifier (defaults of the library and `fixed`) is always the first candidate.
    weighted : bool
        Whether its `fit` takes `sample_weight`; if not, there is no arm with class weights.
    """

    title: str
    path: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    weighted: bool = True

    def build(self, seed: int, **parameters: Any) -> Any:
        """An unfitted estimator; `seed` where it draws at random."""
        module, name = self.path.rsplit(".", 1)
        estimator = getattr(import_module(module), name)(**{**self.fixed, **parameters})
        random = "random_state" in estimator.get_params()
        return estimator.set_params(random_state=seed) if random else estimator


_COSTS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)

CLASSIFIERS: dict[str, Classifier] = {
    "xgboost": Classifier(
        "XGBoost",
        "xgboost.XGBClassifier",
        fixed={"n_estimators": 100, "learning_rate": 0.1, "max_depth": 3, "n_jobs": 1},
        space={
            "n_estimators": (50, 100, 200),
            "learning_rate": (0.03, 0.1, 0.3),
            "max_depth": (1, 2, 3, 5),
            "min_child_weight": (1, 3, 10),
            "subsample": (0.7, 1.0),
            "colsample_bytree": (0.5, 1.0),
        },
    ),
    "random_forest": Classifier(
        "Random forest",
        "sklearn.ensemble.RandomForestClassifier",
        space={"max_features": ("sqrt", 0.5), "min_samples_leaf": (1, 3, 5, 10, 20)},
    ),
    "svm": Classifier("SVM", "sklearn.svm.SVC", fixed={"kernel": "linear"}, space={"C": _COSTS}),
    "kernel_svm": Classifier(
        "Kernel SVM",
        "sklearn.svm.SVC",
        fixed={"kernel": "rbf"},
        space={"C": (*_COSTS, 30.0), "gamma": ("scale", 0.003, 0.01, 0.03, 0.1)},
    ),
    "kmeans_svm": Classifier(
        "K-means clustering SVM",
        "livermets.classification.estimators.KMeansSVC",
        space={"clusters": (2, 3, 4, 6, 8, 12), "C": _COSTS},
    ),
    "knn": Classifier(
        "K-nearest neighbours",
        "livermets.classification.estimators.NearestNeighbours",
        fixed={"algorithm": "brute"},  # a k-d tree counts its calls, and so keeps test rows in mind
        space={"n_neighbors": (1, 3, 5, 7, 9, 15, 21, 31), "weights": ("uniform", "distance")},
        weighted=False,
    ),
    "logistic_regression": Classifier(
        "Logistic regression",
        "sklearn.linear_model.LogisticRegression",
        fixed={"max_iter": 2000},
        space={"C": (0.001, 0.003, *_COSTS)},
    ),
    "naive_bayes": Classifier(
        "Naive Bayes",
        "sklearn.naive_bayes.GaussianNB",
        space={"var_smoothing": (1e-9, 1e-3, 1e-2, 0.1, 0.3, 1.0)},
    ),
    "decision_tree": Classifier(
        "Decision tree",
        "sklearn.tree.DecisionTreeClassifier",
        space={
            "max_depth": (2, 3, 4, 6, 10, None),
            "min_samples_leaf": (1, 2, 5, 10, 20),
            "criterion": ("gini", "entropy"),
        },
    ),
}
