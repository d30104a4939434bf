"""How fast the intervals are: this package against a loop over scikit-learn's metric functions.

`make bench-statistics`, or `ARGS=patients` of the loop; the last line is `ratio=<number>`. Before
it stands how long the fitting of all arms takes (benchmarks/bench_arms.py, minutes). The table has
the size of the paper's: 78 patients, 1,296 lesions, 40 arms, the three levels. Both leave out one
patient at a time; the loop is timed on a few patients of one arm and extrapolated, without the
intervals themselves. Its values must agree. CPU seconds are compared: other work on the machine
disturbs them less.
"""

import sys
import time
import warnings

import bench_arms
import numpy as np
import pandas as pd
from livermets.evaluation import evaluate, metrics
from livermets.evaluation.jackknife import delete_one_counts
from livermets.evaluation.scored_arms import scored_repeat
from livermets.evaluation.scored_rows import ScoredRows
from livermets.predictions.predictions_table import with_scheme
from livermets.study.outputs import LEVELS
from scipy.special import expit, logit
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

ARMS = 40


def study() -> pd.DataFrame:
    """Predictions of 40 arms on 47 patients with 435 lesions and 31 with 861, in five folds."""
    rng = np.random.default_rng(2023)
    lesions = np.r_[bench_arms.parts(rng, 435, 47), bench_arms.parts(rng, 861, 31)]
    patient = np.repeat(np.arange(78), lesions)
    positive = patient >= 47
    base = pd.DataFrame(
        {
            "split": [f"cv1-fold{p % 5 + 1}" for p in patient],
            "patient": [f"P{p:02d}" for p in patient],
            "lesion": np.concatenate([np.arange(1, n + 1) for n in lesions]),
            "label": np.where(positive, "pancreatic", "colorectal"),
        }
    )
    tables = []
    for arm in range(ARMS):
        effect = rng.normal(size=78)[patient] + rng.normal(size=len(patient)) + positive
        tables.append(base.assign(arm=f"arm{arm:02d}", score=expit(effect)))
    return pd.concat(tables, ignore_index=True)


def within_folds(metric, rows: ScoredRows, weight: np.ndarray, shares: np.ndarray) -> float:
    """A rank metric of scikit-learn in each fold, averaged with these weights of the folds."""
    values = []
    for fold in range(len(shares)):
        part = (rows.folds == fold) & (weight > 0)
        truth, score = rows.positive[part], rows.score[part]
        values.append(metric(truth, score, sample_weight=weight[part]))
    return float(np.average(values, weights=shares))


def by_scikit_learn(rows: ScoredRows, weight: np.ndarray) -> dict[str, float]:
    """The same metrics for one choice of patients, each by its scikit-learn function."""
    truth, score, given = rows.positive, rows.score, {"sample_weight": weight}
    called = score >= 0.5
    x = logit(np.clip(score, 1e-4, 1 - 1e-4))
    tn, fp, _, tp = sk.confusion_matrix(truth, called, **given).ravel()
    slope = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
    positives = np.bincount(rows.folds, weight * truth)
    pairs = positives * np.bincount(rows.folds, weight * ~truth)
    return {
        "auc": within_folds(sk.roc_auc_score, rows, weight, pairs),
        "average_precision": within_folds(sk.average_precision_score, rows, weight, positives),
        "accuracy": sk.accuracy_score(truth, called, **given),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, called, **given),
        "sensitivity": sk.recall_score(truth, called, **given),
        "specificity": sk.recall_score(truth, called, pos_label=False, **given),
        "f1": sk.f1_score(truth, called, **given),
        "mcc": sk.matthews_corrcoef(truth, called, **given),
        "brier": sk.brier_score_loss(truth, score, **given),
        "calibration_slope": slope.fit(x[:, None], truth, **given).coef_[0, 0],
        "net_benefit": (tp - fp) / weight.sum(),
    }


def main(loop_patients: int = 10) -> None:
    warnings.simplefilter("ignore")
    predictions = study()
    classes, positive = ["colorectal", "pancreatic"], "pancreatic"
    start = time.process_time()
    table = evaluate.evaluate(predictions, classes, positive)
    ours = time.process_time() - start

    first = with_scheme(predictions[predictions["arm"] == "arm00"])
    patients = sorted(first["patient"].unique())
    counts = delete_one_counts(len(patients))
    loop, worst = 0.0, 0.0
    for level in LEVELS:
        rows = scored_repeat(first, level, classes, positive, patients).rows[positive]
        fast = metrics.measure(rows, counts)
        start = time.process_time()
        slow = [
            by_scikit_learn(rows, c[rows.patient] * rows.weight) for c in counts[:loop_patients]
        ]
        loop += (time.process_time() - start) / loop_patients * len(counts) * ARMS
        for row, values in enumerate(slow):
            worst = max(worst, *(abs(fast[name][row] - value) for name, value in values.items()))
    print(f"{ARMS} arms, {len(patients)} patients left out in turn, {len(table)} intervals")
    print(f"{'livermets':<28}{ours:>10.1f} s of CPU")
    print(f"{'loop over scikit-learn':<28}{loop:>10.1f} s of CPU  ({loop_patients} patients)")
    print(f"{'largest difference':<28}{worst:>10.1e}")
    bench_arms.main()
    print(f"ratio={loop / ours:.0f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
