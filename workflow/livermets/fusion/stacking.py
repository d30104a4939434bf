"""Stacking: a logistic regression of the scores of radiomics and DenseNet-121, per lesion.

It learns in each split from the scores of training patients, each given by models that had not seen
the patient (inner folds). Scores of models that had seen them would be too good to learn from, and
scores of other outer folds come from models that had seen this split's test patients.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from livermets.classification.row_weights import scoring_weights
from livermets.classification.split_training import prediction_rows
from livermets.core.errors import BadInput
from livermets.core.scan_ids import in_words, scan_id
from livermets.predictions.predictions_table import score_columns
from livermets.predictions.task import Task, require_every_class
from livermets.study.fusion import fusion_arm, outer_split
from livermets.study.names import DENSENET, RADIOMICS, lesion_key

ARM = fusion_arm("stacking")
MODELS = (RADIOMICS, DENSENET)
SMALLEST = 0.01  # a score of 0 or 1, as of a few neighbours, has no finite log-odds
FOLD = "fold"  # column: the inner fold in which the lesion was held out


@dataclass(frozen=True)
class Stacked:
    """What the stacking of a study gives.

    Parameters
    ----------
    predictions : data frame
        A prediction table of the arm.
    weights : data frame
        split, class, input (a model, and of three or more classes its class; or intercept), weight
        (of the log-odds), patients and lesions of the training.
    """

    predictions: pd.DataFrame
    weights: pd.DataFrame


def scores_to_learn_from(
    radiomics: pd.DataFrame, network: pd.DataFrame, task: Task
) -> pd.DataFrame:
    """Bring the scores of both models on inner folds together.

    Parameters
    ----------
    radiomics, network : data frame
        Prediction tables whose splits are the inner folds.
    task : Task
        The classes.

    Returns
    -------
    data frame
        split, fold, patient, scan (where the study has scans), lesion, label, and for each model
        its score of the positive class, or of every one of three or more.

    Raises
    ------
    BadInput
        One model scored a lesion that the other did not.
    """
    table = _side_by_side(radiomics, network, task)
    fold = table["split"]
    table = table.assign(split=fold.map(outer_split))
    table.insert(1, FOLD, fold)
    return table


def stack_scores(
    learned: pd.DataFrame,
    radiomics: pd.DataFrame,
    network: pd.DataFrame,
    splits: pd.DataFrame,
    task: Task,
    weigh: str = "lesions",
) -> Stacked:
    """Fit the stacking in each split and score the test patients.

    Parameters
    ----------
    learned : data frame
        As `scores_to_learn_from` returns it.
    radiomics, network : data frame
        Prediction tables of the test patients of every split.
    splits : data frame
        Columns split, patient, role.
    task : Task
        The classes.
    weigh : {"lesions", "patients"}
        What counts alike (`livermets.classification.row_weights`).

    Raises
    ------
    BadInput
        A patient to learn from is no training patient of the split, a class has no training lesion,
        or one model scored a lesion that the other did not.
    """
    _refuse_strangers(learned, splits)
    tested = _side_by_side(radiomics, network, task)
    names = [name for model in MODELS for name in _columns(model, task)]
    number = {name: code for code, name in enumerate(task.classes)}
    predictions, weights = [], []
    for split in splits["split"].unique():
        rows, test = learned[learned["split"] == split], tested[tested["split"] == split]
        target = rows["label"].map(number).to_numpy(int)
        require_every_class(
            target.tolist(), task.classes, str(split), "lesion",
            "add patients, or set fusion.stacking to false",
        )  # fmt: skip
        patients = rows["patient"].to_numpy()
        model = LogisticRegression(max_iter=2000)
        model.fit(_log_odds(rows[names]), target, scoring_weights(patients, weigh))
        chances = model.predict_proba(_log_odds(test[names]))
        predictions.append(
            prediction_rows(test.drop(columns=names), chances, task, ARM, str(split))
        )
        weights.append(_weights(model, names, task, len(set(patients)), len(rows), str(split)))
    return Stacked(pd.concat(predictions, ignore_index=True), pd.concat(weights, ignore_index=True))


def _columns(model: str, task: Task) -> list[str]:
    """Columns of a model's scores: one, or one of each of three or more classes."""
    of_classes = score_columns(list(task.classes))
    return [f"{model}_{name}" for name in of_classes] or [f"{model}_score"]


def _side_by_side(radiomics: pd.DataFrame, network: pd.DataFrame, task: Task) -> pd.DataFrame:
    """The scores of both models of each lesion and split; refuses lesions that one lacks."""
    key = ["split", *lesion_key(radiomics)]
    scores = score_columns(list(task.classes)) or ["score"]
    parts = {
        model: table.rename(columns=dict(zip(scores, _columns(model, task), strict=True)))
        for model, table in zip(MODELS, (radiomics, network), strict=True)
    }
    first = parts[RADIOMICS][[*key, "label", *_columns(RADIOMICS, task)]]
    second = parts[DENSENET][[*key, *_columns(DENSENET, task)]]
    joined = first.merge(second, on=key, how="outer", validate="one_to_one", indicator="side")
    lonely = joined[joined["side"] != "both"]
    if len(lonely):
        split, *owner, lesion = lonely[key].iloc[0]
        has, lacks = MODELS if lonely["side"].iloc[0] == "left_only" else MODELS[::-1]
        raise BadInput(
            f"patient {in_words(scan_id(*owner))}: lesion {lesion} has a score of {has} in {split} "
            f"and none of {lacks} ({len(lonely)} such lesions): delete results/slices and "
            "results/features.parquet and run again."
        )
    return joined.drop(columns="side").sort_values(key, ignore_index=True)


def _refuse_strangers(learned: pd.DataFrame, splits: pd.DataFrame) -> None:
    """Refuse rows of patients who are not in the training part of the split."""
    roles = splits[["split", "patient", "role"]]
    role = learned[["split", "patient"]].merge(roles, how="left", on=["split", "patient"])["role"]
    wrong = learned[(role != "train").to_numpy()]
    if len(wrong):
        split, patient = wrong[["split", "patient"]].iloc[0]
        raise BadInput(
            f"the stacking of {split} would learn from patient {patient}, who is not in its "
            "training part: delete results/fusion and run again."
        )


def _log_odds(scores: pd.DataFrame) -> np.ndarray:
    """Log-odds of scores, which are cut to lie between 0.01 and 0.99."""
    cut = np.clip(scores.to_numpy(float), SMALLEST, 1 - SMALLEST)
    return np.log(cut / (1 - cut))


def _weights(
    model: LogisticRegression, names: list[str], task: Task, patients: int, lesions: int, split: str
) -> pd.DataFrame:
    """The weights of a fitted stacking as rows."""
    several = len(task.classes) > 2
    classes = list(task.classes) if several else [task.classes[1]]
    # of two classes scikit-learn's weights are for the second; a score is of the positive one
    sign = 1.0 if several or classes[0] == task.positive else -1.0
    rows = [
        {"split": split, "class": name if several else task.positive, "input": given}
        | {"weight": sign * float(weight), "patients": patients, "lesions": lesions}
        for name, weights, intercept in zip(classes, model.coef_, model.intercept_, strict=True)
        for given, weight in zip([*names, "intercept"], [*weights, intercept], strict=True)
    ]
    return pd.DataFrame(rows)
