"""Scored arms: what each arm scored in each scheme at each level, and the patients it tested.

Every table of results is a loop over `scored_arms`. A scheme is the hold-out, the cross-validation,
or another way of dividing the patients. There are three levels: at `patient` each patient counts
one and is scored by the mean of the lesions, at `lesion_weighted` each lesion counts 1 / the
patient's lesions, at `lesion` each lesion counts one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput
from livermets.evaluation.jackknife import PatientSample, delete_one_counts
from livermets.evaluation.levels import levels_of
from livermets.evaluation.metric_intervals import MetricSample
from livermets.evaluation.metrics import auc
from livermets.evaluation.scored_rows import ScoredRows
from livermets.predictions.predictions_table import (
    check_labels,
    check_predictions,
    check_splits,
    score_columns,
    with_scheme,
)
from livermets.study.arms import Arm
from livermets.study.names import lesion_key
from livermets.study.patient_labels import has_several, patient_label

DEFAULT_THRESHOLD = 0.5  # also where thresholds of the arms are asked for and an arm has none

ArmTables = Mapping[tuple[str, str], pd.DataFrame]  # (arm, scheme) -> its predictions


@dataclass(frozen=True)
class ScoredRepeat:
    """One arm's scores in one repeat of a scheme, at one level.

    Parameters
    ----------
    rows : dict of str to ScoredRows
        Class -> the rows with this class as the positive one: the positive class alone of two, each
        class of three or more.
    truth : ndarray of int, shape (rows,)
        Index of the class of each row.
    called : ndarray of int, shape (rows,)
        Index of the class that each row is called.
    threshold : float
        Mean threshold of the calls; NaN where the highest of several scores decides.
    risk_threshold : float
        Threshold at which net benefit is measured.
    """

    rows: dict[str, ScoredRows]
    truth: np.ndarray
    called: np.ndarray
    threshold: float
    risk_threshold: float


@dataclass(frozen=True)
class SchemePatients:
    """The tested patients of an arm in a scheme.

    Parameters
    ----------
    patients : list of str
        The patients, sorted.
    labels : ndarray of str, shape (patients,)
        Label of each (`study.patient_labels`).
    lesions : ndarray of float, shape (patients,)
        Number of tested lesions of each.
    in_class : dict of str to ndarray of float, shape (patients,)
        Class -> number of tested lesions of this class of each.
    counts : ndarray of float, shape (patients + 1, patients)
        Who counts: all of them in row 0, then all but one (`jackknife.delete_one_counts`).
    """

    patients: list[str]
    labels: np.ndarray
    lesions: np.ndarray
    in_class: Mapping[str, np.ndarray]
    counts: np.ndarray

    @property
    def everyone(self) -> np.ndarray:
        """The counts in which every patient counts once, shape (1, patients)."""
        return self.counts[:1]

    def at_level(self, level: str) -> PatientSample:
        """The patients with their weights: their lesions by lesion, alike at the other levels."""
        weight = self.lesions if level == "lesion" else np.ones(len(self.labels))
        if not has_several(self.labels):
            return PatientSample(self.labels, weight)
        of_class = {
            name: lesions * (weight / self.lesions) for name, lesions in self.in_class.items()
        }
        return PatientSample(np.full(len(self.labels), ""), weight, of_class)


@dataclass(frozen=True)
class ScoredArm:
    """One arm, scheme and level: what was scored, and the tested patients.

    Parameters
    ----------
    arm, scheme, level : str
        Names as in the tables of results.
    table : DataFrame
        The predictions of the arm and scheme.
    repeats : list of ScoredRepeat
        The scored rows of each repeat of a cross-validation; one for other schemes.
    tested : SchemePatients
        The same at all levels.
    """

    arm: str
    scheme: str
    level: str
    table: pd.DataFrame
    repeats: list[ScoredRepeat]
    tested: SchemePatients

    def auc(self) -> np.ndarray:
        """The AUC on every row of the counts: the mean over repeats, and over three classes."""
        counts = self.tested.counts
        return np.mean(
            [auc(rows, counts) for repeat in self.repeats for rows in repeat.rows.values()], axis=0
        )

    @property
    def binary(self) -> bool:
        """Whether there are two classes, of which one is the positive one."""
        return len(self.repeats[0].rows) == 1

    def sample(self, target: str | None) -> MetricSample:
        """What intervals are computed from, with `target` as the positive class."""
        cross_validated = len(self.table["split"].unique()) > 1
        return MetricSample(self.tested.at_level(self.level), target, cross_validated)


def scored_arms(
    tables: ArmTables,
    classes: list[str],
    positive: str,
    threshold: float | str = DEFAULT_THRESHOLD,
    levels: Sequence[str] | None = None,
) -> Iterator[ScoredArm]:
    """Gather what every arm scored in every scheme at every level, in the order of `tables`.

    Parameters
    ----------
    tables : mapping of (arm, scheme) to DataFrame
        As `arm_tables` gives them.
    classes : list of str
        Class names.
    positive : str
        The class that `score` is the probability of.
    threshold : float or str
        A score of at least this is a positive call; "youden": the arm's own threshold.
    levels : sequence of str, optional
        The levels; by default those that the predictions of each arm allow (`levels_of`).

    Yields
    ------
    ScoredArm
        All levels of an arm and scheme, then the next.
    """
    for (arm, scheme), table in tables.items():
        tested = scheme_patients(table)
        for level in levels_of(table) if levels is None else levels:
            repeats = [
                scored_repeat(rows, level, classes, positive, tested.patients, threshold)
                for _, rows in table.groupby("repeat", sort=True)
            ]
            yield ScoredArm(arm, scheme, level, table, repeats, tested)


def arm_tables(
    predictions: pd.DataFrame,
    classes: list[str],
    positive: str,
    splits: pd.DataFrame | None = None,
) -> dict[tuple[str, str], pd.DataFrame]:
    """Check the predictions and divide them by (arm, scheme), in the order of the report.

    Raises
    ------
    BadInput
        Naming the arm and the error: an unknown class, a malformed table, a patient outside the
        test part of `splits` or tested twice in one repeat.
    """
    if positive not in classes:
        raise BadInput(f"positive: {positive!r} is none of the classes {', '.join(classes)}.")
    predictions = check_predictions(predictions, classes)
    check_labels(predictions)
    if splits is not None:
        check_splits(predictions, splits)
    predictions = with_scheme(predictions)
    repeated = predictions.duplicated(["arm", "scheme", "repeat", *lesion_key(predictions)])
    if repeated.any():
        arm, split, patient = predictions.loc[repeated, ["arm", "split", "patient"]].iloc[0]
        raise BadInput(
            f"predictions: arm {arm!r} tests patient {patient} in {split} and in another fold of "
            "the same repeat. A patient is tested once per repeat."
        )
    groups = {
        (str(arm), str(scheme)): rows
        for (arm, scheme), rows in predictions.groupby(["arm", "scheme"], sort=True)
    }
    order = sorted(groups, key=lambda key: (key[1] != "holdout", key[1], Arm.parse(key[0])))
    columns = ["repeat", *lesion_key(predictions)]
    return {key: groups[key].sort_values(columns, kind="stable") for key in order}


def scheme_patients(table: pd.DataFrame) -> SchemePatients:
    """Gather the patients of a table of one arm and scheme."""
    lesions = table.drop_duplicates(lesion_key(table))
    in_class = pd.crosstab(lesions["patient"], lesions["label"])  # patients and classes sorted
    labels = [patient_label(in_class.columns[row > 0]) for row in in_class.to_numpy()]
    return SchemePatients(
        list(in_class.index),
        np.array(labels, str),
        in_class.sum(axis=1).to_numpy(float),
        {str(name): in_class[name].to_numpy(float) for name in in_class},
        delete_one_counts(len(labels)),
    )


def scored_repeat(
    table: pd.DataFrame,
    level: str,
    classes: list[str],
    positive: str,
    patients: list[str],
    threshold: float | str = DEFAULT_THRESHOLD,
) -> ScoredRepeat:
    """Gather the scored rows of one arm and repeat at a level.

    Parameters
    ----------
    table : DataFrame
        split, patient, lesion, label, score; score_CLASS with three or more classes; threshold
        where "youden" asks for it.
    level : str
        One of `study.outputs.LEVELS`.
    classes : list of str
        Class names.
    positive : str
        The class that `score` is the probability of.
    patients : list of str
        The patients in the order of the counts.
    threshold : float or str
        See `scored_arms`.
    """
    several = score_columns(classes)
    if level == "patient":
        means = [name for name in ("score", "threshold", *several) if name in table]
        table = table.groupby(["split", "patient"], as_index=False, sort=False).agg(
            {"label": "first"} | dict.fromkeys(means, "mean")
        )
        # means of three and of four equal scores differ in the last bit, which must not rank them
        table[means] = table[means].round(12)
    patient = pd.Index(patients).get_indexer(pd.Index(table["patient"]))
    weight = np.ones(len(table))
    if level == "lesion_weighted":
        weight = 1 / np.bincount(patient, minlength=len(patients))[patient]
    fold = pd.factorize(table["split"])[0]
    truth = pd.Index(classes).get_indexer(pd.Index(table["label"]))
    called, thresholds = called_classes(table, classes, positive, threshold)
    scores = table[several or ["score"]].to_numpy(float).T
    rows = {}
    for name, score in zip(classes if several else [positive], scores, strict=True):
        index = classes.index(name)
        rows[name] = ScoredRows(truth == index, score, patient, weight, called == index, fold)
    risk_threshold = DEFAULT_THRESHOLD if isinstance(threshold, str) else threshold
    return ScoredRepeat(rows, truth, called, float(thresholds.mean()), risk_threshold)


def called_classes(
    table: pd.DataFrame, classes: list[str], positive: str, threshold: float | str
) -> tuple[np.ndarray, np.ndarray]:
    """Find the class that each row is called, as an index, and the threshold used.

    Of three or more classes the one with the highest score is called (thresholds are NaN). Of two
    the positive one is called where `score` is at least the threshold: a number, or with "youden"
    the arm's own from the column `threshold`.
    """
    if several := score_columns(classes):
        return table[several].to_numpy(float).argmax(axis=1), np.full(len(table), np.nan)
    thresholds = np.full(len(table), DEFAULT_THRESHOLD if isinstance(threshold, str) else threshold)
    if isinstance(threshold, str) and "threshold" in table:
        thresholds = table["threshold"].fillna(DEFAULT_THRESHOLD).to_numpy(float)
    index = classes.index(positive)
    return np.where(table["score"].to_numpy(float) >= thresholds, index, 1 - index), thresholds
