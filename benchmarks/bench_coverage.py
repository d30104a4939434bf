"""How often the printed intervals hold the truth: every metric, level and paired difference.

`make bench-coverage`, or `ARGS=studies` with it. Studies are simulated whose lesions resemble those
of the same patient, go through `evaluate` and `compare_arms` as a user's predictions do, and each
95 % interval is held against the truth. Two kinds of studies:

- fixed scores: AUCs of 0.5, 0.7, 0.85, 0.95 and 0.99, with 8, 25, 40 and 80 tested patients, and
  with equal, heavy-tailed and class-dependent numbers of lesions. The truth is the metric in a
  population of 20,000 patients.
- models fitted in a five-fold cross-validation of 25, 40 and 80 patients, on features that carry
  nothing, little or much. The truth is the mean performance of the study's own fold models on
  1,000 new patients. Five arms are compared with a baseline that knows nothing: how often one of
  them is claimed to beat it, after Holm's correction, although no arm knows anything.

An interrupted run (Ctrl-C) prints what it has. The last lines are `coverage=<least>-<most>` over
all cells with an interval, and `false_claims=<most>`, both in %.
"""

import itertools
import multiprocessing
import signal
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from livermets.evaluation import metrics
from livermets.evaluation.claims import beats_reference
from livermets.evaluation.evaluate import REFERENCE, evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.evaluation.scored_rows import ScoredRows
from livermets.study.outputs import LEVELS
from scipy.special import expit
from scipy.stats import norm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

CLASSES, POSITIVE = ["colorectal", "pancreatic"], "pancreatic"
AREAS, SIZES, FITTED_SIZES = (0.5, 0.7, 0.85, 0.95, 0.99), (8, 25, 40, 80), (25, 40, 80)
EFFECTS = {"nothing": 0.0, "little": 0.5, "much": 1.2}  # shift of 3 of 10 features, in SD
LESIONS, FITTED_LESIONS = ("equal", "heavy-tailed", "by class"), ("equal", "heavy-tailed")
POPULATION, NEW_PATIENTS = 20_000, 1_000
MODELS = {
    "logistic": lambda: LogisticRegression(C=0.5),
    "ridge": lambda: LogisticRegression(C=0.01),
    "discriminant": LinearDiscriminantAnalysis,
    "bayes": GaussianNB,
    "narrow ridge": lambda: LogisticRegression(C=0.001),
}
IGNORE_INTERRUPTS = (signal.SIGINT, signal.SIG_IGN)  # the parent prints what it has
VOLUME = 10  # column of the baseline's feature, which never carries anything


def numbers_of_lesions(rng: np.random.Generator, positive: np.ndarray, lesions: str) -> np.ndarray:
    """Draw the number of lesions of each patient."""
    n = len(positive)
    if lesions == "equal":
        return np.full(n, 8)
    if lesions == "heavy-tailed":
        return np.clip(np.exp(rng.normal(1.2, 1.1, n)), 1, 200).astype(int)
    return np.where(positive, rng.integers(8, 25, n), rng.integers(1, 8, n))


def skeleton(rng: np.random.Generator, patients: int, lesions: str) -> pd.DataFrame:
    """One row for each lesion: patient, lesion, label; two in five patients are positive."""
    positive = np.arange(patients) % 5 >= 3 if patients > 8 else np.arange(patients) % 2 == 1
    number = numbers_of_lesions(rng, positive, lesions)
    patient = np.repeat(np.arange(patients), number)
    return pd.DataFrame(
        {
            "patient": np.char.mod("P%06d", patient),
            "lesion": np.concatenate([np.arange(1, n + 1) for n in number]),
            "label": np.where(positive[patient], POSITIVE, CLASSES[0]),
        }
    )


def clustered(rng: np.random.Generator, rows: pd.DataFrame, columns: int) -> np.ndarray:
    """Normal values of lesions: one half of their variance is their patient's."""
    code = pd.factorize(rows["patient"])[0]
    of_patient = rng.normal(size=(code.max() + 1, columns))
    return of_patient[code] + rng.normal(size=(len(rows), columns))


def fixed_scores(
    rng: np.random.Generator, patients: int, area: float, lesions: str
) -> pd.DataFrame:
    """Simulate the predictions of an arm and of a weaker one that shares half of its noise."""
    rows = skeleton(rng, patients, lesions)
    noise = clustered(rng, rows, 3)
    sign = np.where(rows["label"] == POSITIVE, 0.6, -0.4)
    effect = 2 * norm.ppf(area)  # the noise of a pair of lesions has the variance 4
    tables = []
    for arm, share, column in (("arm", 1.0, 1), (REFERENCE, 0.5, 2)):
        logit = share * effect * sign + (noise[:, 0] + noise[:, column]) / np.sqrt(2)
        tables.append(rows.assign(arm=arm, split="holdout", score=expit(logit)))
    return pd.concat(tables, ignore_index=True)


def at_level(rows: pd.DataFrame, level: str) -> ScoredRows:
    """The rows of one arm at a level, each class as one patient."""
    weight = np.ones(len(rows))
    if level == "lesion_weighted":
        weight = 1 / rows.groupby("patient")["lesion"].transform("size").to_numpy()
    if level == "patient":
        rows = rows.groupby(["patient", "label"], as_index=False)["score"].mean()
        weight = np.ones(len(rows))
    truth = (rows["label"] == POSITIVE).to_numpy()
    return ScoredRows(truth, rows["score"].to_numpy(), truth.astype(int), weight)


def all_metrics(rows: pd.DataFrame, level: str) -> dict[str, float]:
    """Compute every metric of one arm's rows at a level, without intervals."""
    measured = metrics.measure(at_level(rows, level), np.ones((1, 2)))
    return {name: float(value[0]) for name, value in measured.items()}


def true_auc(rows: pd.DataFrame, level: str) -> float:
    """Compute the AUC of one arm's rows at a level, without an interval."""
    return float(metrics.auc(at_level(rows, level), np.ones((1, 2)))[0])


def truths(tables: dict[str, pd.DataFrame]) -> pd.Series:
    """The true value of each (level, metric) of the first arm, and each lead over the reference."""
    values = {}
    first = next(iter(tables))
    for level in LEVELS:
        values |= {
            (level, name): value for name, value in all_metrics(tables[first], level).items()
        }
        areas = {arm: true_auc(rows, level) for arm, rows in tables.items()}
        values |= {
            (level, f"AUC of {arm} - {REFERENCE}"): areas[arm] - areas[REFERENCE]
            for arm in tables
            if arm != REFERENCE
        }
    return pd.Series(values)


def intervals(
    predictions: pd.DataFrame, arm: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The intervals of one arm's metrics and of the differences; all metrics; all differences."""
    measured = evaluate(predictions, CLASSES, POSITIVE)
    differences = compare_arms(predictions, CLASSES, POSITIVE)
    volume = differences[differences["against"] == "volume"]
    named = volume.assign(metric="AUC of " + volume["arm"] + " - " + volume["reference"])
    columns = ["level", "metric", "low", "high"]
    table = pd.concat([measured.loc[measured["arm"] == arm, columns], named[columns]])
    return table.set_index(["level", "metric"]), measured, volume


def side_of(table: pd.DataFrame, truth: pd.Series) -> pd.Series:
    """0 where the interval holds the truth, -1 and 1 where the truth is below or above it."""
    table = table.loc[truth.index]
    side = (truth > table["high"]).astype(float) - (truth < table["low"]).astype(float)
    side[table["low"].isna() | truth.isna()] = np.nan
    return side


def fixed_study(
    area: float, lesions: str, patients: int, number: int, truth: pd.Series
) -> tuple[tuple, pd.Series, None]:
    warnings.simplefilter("ignore")
    rng = np.random.default_rng([patients, number])
    table, *_ = intervals(fixed_scores(rng, patients, area, lesions), "arm")
    return ("fixed", f"{area}", lesions, patients), side_of(table, truth), None


def fitted_study(effect: str, lesions: str, patients: int, number: int, _: None):
    """One study whose models are fitted in a cross-validation, with the truth of its own models."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng([patients, number])
    parts = {
        "study": skeleton(rng, patients, lesions),
        "new": skeleton(rng, NEW_PATIENTS, "equal" if lesions == "equal" else lesions),
    }
    features = {}
    for name, rows in parts.items():
        features[name] = clustered(rng, rows, VOLUME + 1)
        features[name][:, :3] += EFFECTS[effect] * (rows["label"] == POSITIVE).to_numpy()[:, None]
    rows, new = parts["study"], parts["new"]
    label = rows.drop_duplicates("patient").set_index("patient")["label"]
    fold = pd.Series(0, index=label.index)
    for name in CLASSES:
        members = rng.permutation(label.index[label == name])
        fold[members] = np.arange(len(members)) % 5
    fold = rows["patient"].map(fold).to_numpy()
    y = (rows["label"] == POSITIVE).to_numpy()
    tables, of_folds = [], []
    for held_out in range(5):
        test, true_of_fold = fold == held_out, {}
        for arm, make in [*MODELS.items(), (REFERENCE, MODELS["logistic"])]:
            columns = slice(VOLUME, None) if arm == REFERENCE else slice(VOLUME)
            model = make().fit(features["study"][~test, columns], y[~test])
            score = model.predict_proba(features["study"][test, columns])[:, 1]
            split = f"cv1-fold{held_out + 1}"
            tables.append(rows[test].assign(arm=arm, split=split, score=score))
            score = model.predict_proba(features["new"][:, columns])[:, 1]
            true_of_fold[arm] = new.assign(score=score)
        of_folds.append(truths(true_of_fold))
    truth = pd.concat(of_folds, axis=1).mean(axis=1)
    table, measured, volume = intervals(pd.concat(tables, ignore_index=True), "logistic")
    claims = {level: beats_reference(measured, volume, level)["beats"].any() for level in LEVELS}
    return ("fitted", effect, lesions, patients), side_of(table, truth), claims


def jobs(studies: int) -> Iterator[tuple]:
    """All cells for one study number, then for the next, so that an interrupted run is balanced."""
    truth = {}
    for lesions, area in itertools.product(LESIONS, AREAS):
        population = fixed_scores(np.random.default_rng(0), POPULATION, area, lesions)
        truth[lesions, area] = truths(dict(list(population.groupby("arm", sort=False))))
    for number in range(studies):
        for (lesions, area), values in truth.items():
            for patients in SIZES:
                yield fixed_study, area, lesions, patients, number, values
        for effect, lesions in itertools.product(EFFECTS, FITTED_LESIONS):
            for patients in FITTED_SIZES:
                yield fitted_study, effect, lesions, patients, number, None


def run(job: tuple):
    return job[0](*job[1:])


def main(studies: int = 400, path: str = "") -> None:
    sides, claims = {}, {}
    with multiprocessing.Pool(initializer=signal.signal, initargs=IGNORE_INTERRUPTS) as pool:
        try:
            for cell, side, claim in pool.imap(run, jobs(studies)):
                sides.setdefault(cell, []).append(side)
                if claim is not None and cell[1] == "nothing":
                    claims.setdefault(cell[3], []).append(claim)
        except KeyboardInterrupt:
            studies = min(len(parts) for parts in sides.values())
            print(f"interrupted after {studies} studies of each cell")
    table = pd.concat(
        {cell: pd.concat(parts, axis=1).T for cell, parts in sides.items()},
        names=["kind", "signal", "lesions", "patients"],
    )
    cells = table.groupby(level=[0, 1, 2, 3])
    with_interval = cells.count()
    held = cells.agg(lambda side: 100 * (side == 0).sum() / max(side.notna().sum(), 1))
    held = held.where(with_interval >= studies / 2)
    if path:
        held.to_csv(path, sep="\t")
    # over the numbers of lesions, so that each share is one of three times (twice) as many studies
    pooled = held.groupby(level=["kind", "signal", "patients"]).mean()
    print(f"% of {studies} simulated studies of each cell whose 95 % interval holds the truth:")
    print("least, median and most over the AUCs, mean over the numbers of lesions")
    for kind in ("fixed", "fitted"):
        part = pooled.loc[kind].groupby(level="patients")
        for level in LEVELS:
            summary = pd.concat(
                {name: part.agg(how)[level] for name, how in
                 (("least", "min"), ("median", "median"), ("most", "max"))}, axis=1,
            )  # fmt: skip
            print(f"\n{kind} scores, by {LEVELS[level]}")
            print(summary.T.swaplevel().sort_index(sort_remaining=False).round(1).to_string())
    print("\n% of null studies in which one of five arms is claimed to beat the baseline")
    null = pd.DataFrame({n: pd.DataFrame(parts).mean() * 100 for n, parts in claims.items()})
    print(null.round(1).to_string())
    print(f"false_claims={null.max().max():.1f}")
    print(f"coverage={pooled.min().min():.1f}-{pooled.max().max():.1f}")


if __name__ == "__main__":
    main(*(int(argument) if argument.isdigit() else argument for argument in sys.argv[1:]))
