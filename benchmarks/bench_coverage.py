"""How often the printed intervals hold the truth: every metric, level and paired difference.

`make bench-coverage`, or `ARGS=studies` with it. Studies are simulated in which
the lesions of a patient are alike, go through `evaluate` and `compare_arms` as a user's predictions
do, and each 95 % interval is held against the value in a population of 40,000 patients. 1,000
studies tell a coverage to within 1.4 %. (A bootstrap over lesions does not cover:
tests/evaluation/test_bootstrap.py.) The last line is `coverage=<least>-<most>` of a study of the
paper's size.
"""

import multiprocessing
import sys
import warnings

import numpy as np
import pandas as pd
from livermets.evaluation import metrics
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.evaluation.scored_rows import ScoredRows
from livermets.study.outputs import LEVELS
from scipy.special import expit

SIZES = (25, 40, 80)  # two in five of them positive, as in the population
PAPER, DRAWS, POPULATION = 80, 500, 40_000
CLASSES, POSITIVE = ["colorectal", "pancreatic"], "pancreatic"
ARMS = {"arm": 1.0, "baseline_volume": 0.4}  # how far the classes are apart


def study(patients: int, seed: int) -> pd.DataFrame:
    """Simulate the predictions of two arms on a study with three patients of one class to two.

    The logit is effect + patient + lesion, where patient and lesion have variance 1 each.

    The arms share half of these values, as arms on one study do.
    """
    rng = np.random.default_rng(seed)
    lesions = rng.integers(1, 33, patients)
    patient = np.repeat(np.arange(patients), lesions)
    positive = (np.arange(patients) % 5 >= 3)[patient]
    rows = {
        "split": "holdout",
        "patient": np.char.mod("P%06d", patient),
        "lesion": np.concatenate([np.arange(1, n + 1) for n in lesions]),
        "label": np.where(positive, POSITIVE, CLASSES[0]),
    }
    shared = [rng.normal(size=patients)[patient] + rng.normal(size=len(patient)) for _ in range(3)]
    tables = []
    for own, (arm, effect) in zip(shared[1:], ARMS.items(), strict=True):
        logit = effect * (positive - 0.4) + (shared[0] + own) / np.sqrt(2)
        tables.append(pd.DataFrame(rows | {"arm": arm, "score": expit(logit)}))
    return pd.concat(tables, ignore_index=True)


def values(table: pd.DataFrame, draws: int, seed: int) -> pd.DataFrame:
    """Compute all metrics of the first arm, and its lead in AUC, with their intervals."""
    own = evaluate(table[table["arm"] == "arm"], CLASSES, POSITIVE, draws, seed=seed)
    lead = compare_arms(table, CLASSES, POSITIVE, draws, seed)
    lead = lead.assign(metric="difference of AUCs").rename(columns={"difference": "value"})
    columns = ["level", "metric", "value", "low", "high"]
    return pd.concat([own[columns], lead[[*columns, "p"]]], ignore_index=True)


def population() -> pd.Series:
    """Compute the true value of each (level, metric) from a study of very many patients."""
    table = study(POPULATION, 0)
    found, areas = {}, {}
    for arm, rows in table.groupby("arm", sort=False):
        lesions = rows.groupby("patient")["lesion"].transform("size").to_numpy()
        means = rows.groupby(["patient", "label"], as_index=False)["score"].mean()
        for level in LEVELS:
            part = means if level == "patient" else rows
            weight = 1 / lesions if level == "lesion_weighted" else np.ones(len(part))
            truth = (part["label"] == POSITIVE).to_numpy()
            score = part["score"].to_numpy()
            side = ScoredRows(truth, score, truth.astype(int), weight)
            all_of = metrics.measure(side, np.ones((1, 2)))
            areas[arm, level] = all_of["auc"][0]
            if arm == "arm":
                found |= {(level, name): value[0] for name, value in all_of.items()}
    for level in LEVELS:
        found[level, "difference of AUCs"] = np.subtract(*(areas[arm, level] for arm in ARMS))
    return pd.Series(found)


def of_study(patients: int, number: int, truth: pd.Series) -> pd.DataFrame:
    """Whether each interval of one study holds the truth; NaN where it has none."""
    warnings.simplefilter("ignore")
    table = values(study(patients, number), DRAWS, number).set_index(["level", "metric"])
    table = table.loc[truth.index]
    within = ((table["low"] <= truth) & (truth <= table["high"])).astype(float)
    within[table["low"].isna()] = np.nan
    return within.rename((patients, number))


def main(studies: int = 1000) -> None:
    truth = population()
    jobs = [(patients, number, truth) for patients in SIZES for number in range(1, studies + 1)]
    with multiprocessing.Pool() as pool:
        found = pool.starmap(of_study, jobs, chunksize=4)
    table = pd.concat(found, axis=1).T
    shares = table.groupby(level=0).mean().T * 100
    order = [*dict.fromkeys(metrics.METRICS), "difference of AUCs"]
    print(f"% of {studies} simulated studies whose 95 % interval holds the truth, by patients")
    for level in LEVELS:
        part = shares.loc[level].reindex(order).dropna(how="all")
        print(f"\n{level}\n{part.round(1).to_string()}")
    print(f"coverage={shares[PAPER].min():.1f}-{shares[PAPER].max():.1f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
