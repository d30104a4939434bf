"""scikit-learn's own checks of estimators, run on every estimator and transformer of ours."""

import numpy as np
from livermets.classification.class_balancing import ClassBalancer
from livermets.classification.estimators import KMeansSVC, NearestNeighbours
from livermets.classification.feature_selection import (
    ConstantFilter,
    CorrelationFilter,
    ImportanceSelector,
)
from sklearn.utils.estimator_checks import parametrize_with_checks

WEIGHTS = "clusters are formed from rows whatever they weigh, only the SVM takes weights"
EXPECTED_FAILURES = {
    "KMeansSVC": {
        "check_sample_weight_equivalence_on_dense_data": WEIGHTS,
        "check_sample_weight_equivalence_on_sparse_data": WEIGHTS,
    },
}


class RowwiseImportanceSelector(ImportanceSelector):
    """`ImportanceSelector` demands a patient for each row, which the checks cannot give."""

    def fit(self, X, y):
        return super().fit(X, y, groups=np.arange(np.asarray(y).size))


@parametrize_with_checks(
    [
        NearestNeighbours(),
        KMeansSVC(random_state=0),
        ConstantFilter(),
        CorrelationFilter(),
        RowwiseImportanceSelector(max_features=2),
        ClassBalancer("undersample", random_state=0),
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES.get(type(estimator).__name__, {}),
)
def test_an_estimator_keeps_scikit_learns_rules(estimator, check):
    check(estimator)
