"""Every arm's metrics with intervals over patients, from the prediction tables alone.

Nothing here knows a model. Schemes are the hold-out and the cross-validation (its folds pooled
per repeat, the repeats averaged, the same patients drawn in every repeat). Three levels: a lesion
counts one; a lesion counts 1 / the patient's lesions; a patient counts one, scored by the mean of
the lesions.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from livermets import bootstrap, metrics
from livermets.arms import LEVELS, arm_order, family, scheme_of
from livermets.errors import BadInput
from livermets.predictions import check_labels, check_predictions, check_splits
from livermets.seeds import derive

REFERENCE = "baseline_volume"


def evaluate(
    predictions: pd.DataFrame,
    classes: list[str],
    positive: str,
    draws: int = 2000,
    threshold: float = 0.5,
    seed: int = 2023,
    splits: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Metrics of every arm, scheme and level, each with its 95 % interval.

    Parameters
    ----------
    predictions : arm, split, patient, lesion, label, score
    classes, positive : class names; every other class counts as negative
    draws : bootstrap draws of patients, stratified by class
    threshold : fixed; a score of at least this is a positive call
    splits : split, patient, role; where given, a row outside the test part is refused

    Returns
    -------
    arm, scheme, level, metric, value, low, high, n_patients, n_lesions, n_positive (lesions; at
    the patient level patients), n_splits, undefined_draws

    Raises
    ------
    BadInput : naming the arm and what is wrong
    """
    predictions = _checked(predictions, classes, positive, splits)
    rows = []
    for (arm, scheme), table in _by_scheme(predictions):
        patients, counts = _draws(table, draws, seed, scheme)
        for level in LEVELS:
            facts = _facts(table, arm, scheme, level, positive)
            values = _measure(table, level, positive, patients, counts, threshold)
            for metric in metrics.METRICS:
                low, high, undefined = bootstrap.interval(values[metric][1:])
                value = float(values[metric][0])
                if np.isnan(value):
                    low = high = np.nan
                rows.append(
                    facts | {"metric": metric, "value": value, "low": low, "high": high}
                    | {"undefined_draws": undefined}
                )  # fmt: skip
    columns = ["arm", "scheme", "level", "metric", "value", "low", "high", "n_patients"]
    columns += ["n_lesions", "n_positive", "n_splits", "undefined_draws"]
    return pd.DataFrame(rows)[columns]


def compare(
    predictions: pd.DataFrame,
    classes: list[str],
    positive: str,
    reference: str = REFERENCE,
    draws: int = 2000,
    seed: int = 2023,
) -> pd.DataFrame:
    """Paired AUC differences of every arm from a reference arm, on the same patient draws.

    Lesions that only one of the two scored are left out. `p_holm` is corrected over the arms of
    one scheme and level. Empty where there is no such reference arm.

    Returns
    -------
    arm, reference, scheme, level, metric, difference, low, high, p, p_holm, n_patients
    """
    predictions = _checked(predictions, classes, positive, None)
    columns = ["arm", "reference", "scheme", "level", "metric", "difference", "low", "high"]
    columns += ["p", "p_holm", "n_patients"]
    tables = dict(_by_scheme(predictions))
    rows = []
    for (arm, scheme), table in tables.items():
        other = tables.get((reference, scheme))
        if arm == reference or other is None or family(arm) == "baseline":
            continue
        key = ["split", "patient", "lesion"]
        both = table.merge(other[[*key, "score"]], on=key, suffixes=("", "_reference"))
        if both.empty:
            continue
        patients, counts = _draws(both, draws, seed, scheme)
        for level in LEVELS:
            pair = [
                _repeated(metrics.auc, both.assign(score=both[column]), level, positive, patients)(
                    counts
                )
                for column in ("score", "score_reference")
            ]
            difference = pair[0] - pair[1]
            low, high, _ = bootstrap.interval(difference[1:])
            rows.append(
                {
                    **{"arm": arm, "reference": reference, "scheme": scheme, "level": level},
                    **{"metric": "auc", "difference": float(difference[0])},
                    **{
                        "low": low,
                        "high": high,
                        "p": bootstrap.two_sided_p(difference[0], difference[1:]),
                    },
                    "n_patients": len(patients),
                }
            )
    result = pd.DataFrame(rows, columns=[name for name in columns if name != "p_holm"])
    result["p_holm"] = np.nan
    for _, index in result.groupby(["scheme", "level"]).groups.items():
        result.loc[index, "p_holm"] = bootstrap.holm(result.loc[index, "p"].to_numpy(float))
    return result[columns]


def score_rows(table: pd.DataFrame, level: str, positive: str, patients: list[str]) -> metrics.Rows:
    """The rows that count at a level, from one arm and repeat."""
    if level == "patient":
        table = table.groupby(["split", "patient"], as_index=False, sort=False).agg(
            label=("label", "first"), score=("score", "mean")
        )
    patient = pd.Index(patients).get_indexer(table["patient"])
    weight = np.ones(len(table))
    if level == "lesion_weighted":
        weight = 1 / np.bincount(patient, minlength=len(patients))[patient]
    return metrics.Rows(
        positive=(table["label"] == positive).to_numpy(bool),
        score=table["score"].to_numpy(float),
        patient=patient,
        weight=weight,
    )


def with_scheme(predictions: pd.DataFrame) -> pd.DataFrame:
    """The predictions with the columns `scheme` and `repeat` that their split says."""
    named = {split: scheme_of(split) for split in predictions["split"].unique()}
    return predictions.assign(
        scheme=predictions["split"].map({split: parts[0] for split, parts in named.items()}),
        repeat=predictions["split"].map({split: parts[1] for split, parts in named.items()}),
    )


def _checked(
    predictions: pd.DataFrame, classes: list[str], positive: str, splits: pd.DataFrame | None
) -> pd.DataFrame:
    if positive not in classes:
        raise BadInput(f"positive: {positive!r} is none of the classes {', '.join(classes)}.")
    predictions = check_predictions(predictions, classes)
    check_labels(predictions)
    if splits is not None:
        check_splits(predictions, splits)
    predictions = with_scheme(predictions)
    again = predictions.duplicated(["arm", "scheme", "repeat", "patient", "lesion"])
    if again.any():
        arm, split, patient = predictions.loc[again, ["arm", "split", "patient"]].iloc[0]
        raise BadInput(
            f"predictions: arm {arm!r} tests patient {patient} in {split} and in another fold of "
            "the same repeat. A patient is tested once per repeat."
        )
    return predictions


def _by_scheme(predictions: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """((arm, scheme), rows) in the order the report shows the arms."""
    groups = dict(list(predictions.groupby(["arm", "scheme"], sort=True)))
    for key in sorted(groups, key=lambda key: (key[1] != "holdout", key[1], arm_order(key[0]))):
        yield key, groups[key].sort_values(["repeat", "patient", "lesion"], kind="stable")


def _draws(table: pd.DataFrame, draws: int, seed: int, scheme: str) -> tuple[list[str], np.ndarray]:
    """The patients in order, and their draws: the same for all arms that tested the same ones."""
    label = table.drop_duplicates("patient").set_index("patient")["label"].sort_index()
    counts = bootstrap.draw_patients(label.to_numpy(), draws, derive(seed, "bootstrap", scheme))
    return list(label.index), counts


def _repeated(metric, table: pd.DataFrame, level: str, positive: str, patients: list[str]):
    """`metric(rows, counts)` averaged over the repeats of a cross-validation."""
    repeats = [
        score_rows(one, level, positive, patients) for _, one in table.groupby("repeat", sort=True)
    ]
    return lambda counts: np.mean([metric(rows, counts) for rows in repeats], axis=0)


def _measure(
    table: pd.DataFrame,
    level: str,
    positive: str,
    patients: list[str],
    counts: np.ndarray,
    threshold: float,
) -> dict[str, np.ndarray]:
    def stacked(rows: metrics.Rows, counts: np.ndarray) -> np.ndarray:
        values = metrics.measure(rows, counts, threshold)
        return np.stack([values[name] for name in metrics.METRICS])

    values = _repeated(stacked, table, level, positive, patients)(counts)
    return dict(zip(metrics.METRICS, values, strict=True))


def _facts(table: pd.DataFrame, arm: str, scheme: str, level: str, positive: str) -> dict:
    unit = ["patient"] if level == "patient" else ["patient", "lesion"]
    units = table.drop_duplicates(unit)
    return {
        **{"arm": arm, "scheme": scheme, "level": level},
        "n_patients": table["patient"].nunique(),
        "n_lesions": len(table.drop_duplicates(["patient", "lesion"])),
        "n_positive": int((units["label"] == positive).sum()),
        "n_splits": table["split"].nunique(),
    }
