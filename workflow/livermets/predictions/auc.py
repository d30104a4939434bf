"""AUC: the area under the ROC curve by scikit-learn, for two classes or more."""

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import label_binarize


def one_vs_rest_auc(
    truth: np.ndarray,
    scores: np.ndarray,
    classes: np.ndarray,
    weights: np.ndarray | None = None,
) -> float:
    """Compute the AUC of the second of two classes, or the mean of each of more against the rest.

    Parameters
    ----------
    truth : ndarray, shape (rows,)
        The class of each row.
    scores : ndarray of float, shape (rows,) or (rows, classes)
        Probabilities, or distances to the separating plane.
    classes : ndarray, shape (classes,)
        The classes in the order of the columns of `scores`.
    weights : ndarray of float, shape (rows,), optional
        Weight of each row; by default all weigh the same.

    Returns
    -------
    float
        The AUC.
    """
    if len(classes) == 2:
        score = scores if scores.ndim == 1 else scores[:, 1]
        return float(roc_auc_score(truth, score, sample_weight=weights))
    # one column a class: `multi_class="ovr"` would refuse distances, which do not add up to 1
    truths = label_binarize(truth, classes=classes)
    return float(roc_auc_score(truths, scores, average="macro", sample_weight=weights))
