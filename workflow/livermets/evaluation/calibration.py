"""Calibration slope and intercept on many draws at once: weighted logistic regressions by Newton.

scikit-learn fits one draw in a call; here all draws are fitted together.
"""

import numpy as np

from livermets.evaluation.scored_rows import ScoredRows, draw_blocks, ratio

LOGIT_CLIP = 1e-4  # scores of exactly 0 or 1 (trees, neighbours) have no logit


def calibration_slope_and_intercept(
    rows: ScoredRows, counts: np.ndarray, separated: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute calibration slope and intercept on every draw; 1 and 0 if calibrated.

    The slope is that of a logistic regression of the outcome on the logit of the score. The
    intercept is calibration in the large: the same regression with the slope held at 1 (Van Calster
    et al. 2019, doi:10.1186/s12916-019-1466-7). Scores are clipped to [1e-4, 1 - 1e-4].

    Parameters
    ----------
    rows : ScoredRows
        The scored rows.
    counts : ndarray of float, shape (draws, patients)
        How often each patient counts.
    separated : ndarray of bool, shape (draws,)
        Whether the scores separate the classes without error: the slope would be infinite.

    Returns
    -------
    slope : ndarray, shape (draws,)
        NaN where the classes are separated, or the score is constant in every fold: a model that
        returns the share of positives that trained it has no slope.
    intercept : ndarray, shape (draws,)
        NaN on draws of one class.
    """
    clipped = np.clip(rows.score, LOGIT_CLIP, 1 - LOGIT_CLIP)
    logit = np.log(clipped / (1 - clipped))
    centre, spread = logit.mean(), logit.std()
    slope = np.full(len(counts), np.nan)
    varies = any(np.ptp(logit[rows.folds == fold]) > 1e-9 for fold in np.unique(rows.folds))
    if varies and not separated.all():
        z = (logit - centre) / spread
        design = np.stack([np.ones_like(z), z], 1)
        slope[~separated] = _fit_logistic(rows, counts[~separated], design, 0.0)[:, 1] / spread
    intercept = _fit_logistic(rows, counts, np.ones((len(logit), 1)), logit)[:, 0]
    return slope, intercept


def _fit_logistic(
    rows: ScoredRows, counts: np.ndarray, design: np.ndarray, offset: np.ndarray | float
) -> np.ndarray:
    """Coefficients of a weighted logistic regression for each draw: (draws, k), k = 1 or 2.

    NaN where the likelihood has no maximum: on draws of one class or with separated classes.

    Parameters
    ----------
    rows : ScoredRows
        The scored rows.
    counts : ndarray of float, shape (draws, patients)
        How often each patient counts.
    design : ndarray of float, shape (rows, k)
        The regression's design matrix.
    offset : ndarray of float, shape (rows,), or float
        Added to the linear predictor with a coefficient of 1.
    """
    k, patients = design.shape[1], counts.shape[1]
    cohort = np.ones((1, patients))
    start = _newton_iterations(rows, cohort, design, offset, np.zeros((1, k)))
    start = np.where(np.isfinite(start), start, 0.0)
    # All draws start from the cohort's coefficients, so their probabilities are the same in the
    # first step, and gradient and Hessian of every draw are sums over patients.
    probability = 1 / (1 + np.exp(-(start[0] @ design.T + offset)))
    gradient = (rows.weight * (rows.positive - probability))[:, None] * design
    curvature = rows.weight * probability * (1 - probability)
    hessian = curvature[:, None] * _column_products(design)
    step = _newton_step(
        counts @ rows.patient_sums(hessian, patients),
        counts @ rows.patient_sums(gradient, patients),
    )
    start = start + _limited_step(np.nan_to_num(step))
    coefficients = np.full((len(counts), k), np.nan)
    class_weights = np.stack([rows.positive, ~rows.positive], 1) * rows.weight[:, None]
    drawn_weights = counts @ rows.patient_sums(class_weights, patients)
    with_both_classes = np.flatnonzero((drawn_weights > 0).all(1))
    for block in draw_blocks(len(with_both_classes), len(rows.score)):
        draws = with_both_classes[block]
        coefficients[draws] = _newton_iterations(rows, counts[draws], design, offset, start[draws])
    return coefficients


def _newton_iterations(
    rows: ScoredRows,
    counts: np.ndarray,
    design: np.ndarray,
    offset: np.ndarray | float,
    start: np.ndarray,
    iterations: int = 25,
) -> np.ndarray:
    """Coefficients (draws, k) after Newton's method from `start`; NaN where it does not converge.

    The length of a step is limited, so that the concave likelihood rises from any start.
    """
    weights = counts[:, rows.patient] * rows.weight
    positive_sums = (weights * rows.positive) @ design  # which the fitted probabilities must equal
    products = _column_products(design)
    beta, result, active = start, np.full_like(start, np.nan), np.arange(len(counts))
    for _ in range(iterations):
        # in place, because these arrays of draws x rows are the cost of the whole evaluation
        probability = beta @ -design.T
        probability -= offset
        with np.errstate(over="ignore"):
            np.exp(probability, out=probability)
        probability += 1
        np.reciprocal(probability, out=probability)
        fitted = weights * probability
        gradient = positive_sums - fitted @ design
        np.subtract(1, probability, out=probability)
        fitted *= probability
        step = _newton_step(fitted @ products, gradient)
        beta = beta + _limited_step(step)
        size = np.abs(step).max(1)
        converged = size < 1e-6  # convergence is quadratic: the next step would be near 1e-12
        result[active[converged]] = beta[converged]
        keep = ~converged & np.isfinite(size)
        if not keep.any():
            break
        if not keep.all():
            active, beta = active[keep], beta[keep]
            weights, positive_sums = weights[keep], positive_sums[keep]
    return result


def _column_products(design: np.ndarray) -> np.ndarray:
    """Products of the design's columns, shape (rows, 1 or 3): summed, the packed Hessian."""
    k = design.shape[1]
    return np.stack([design[:, i] * design[:, j] for i in range(k) for j in range(i, k)], 1)


def _limited_step(step: np.ndarray) -> np.ndarray:
    """Steps shortened to at most 2 in any coefficient."""
    return step * np.minimum(1, 2 / np.maximum(np.abs(step).max(1), 1e-300))[:, None]


def _newton_step(hessian: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Newton steps (draws, k) from packed upper triangles (draws, 1 or 3); NaN where singular."""
    if gradient.shape[1] == 1:
        return ratio(gradient, np.where(hessian > 1e-10, hessian, 0))
    a, b, c = hessian.T
    determinant = a * c - b * b
    determinant = np.where(determinant > 1e-10 * a * c, determinant, 0)
    first = ratio(c * gradient[:, 0] - b * gradient[:, 1], determinant)
    return np.stack([first, ratio(a * gradient[:, 1] - b * gradient[:, 0], determinant)], 1)
