"""What the stacking of radiomics and DenseNet-121 learned from: no test patient may be in it.

The tables are those that the stacking itself wrote. Whether a score was given to a patient whom its
model had not seen is read from the inner folds that the models were trained on.
"""

import pandas as pd

from livermets.audit.checks import Finding, counted
from livermets.audit.questions import Check
from livermets.core.text import list_names
from livermets.study.fusion import outer_split

AGAIN = "Delete results/fusion and run again"


def fusion_checks(scores: pd.DataFrame, inner: pd.DataFrame, splits: pd.DataFrame) -> list[Check]:
    """Check whom the stacking and the models below it learned from.

    Parameters
    ----------
    scores : DataFrame
        split, fold, patient of every score that the stacking learned from.
    inner : DataFrame
        split (the inner fold), patient, role of the models that gave these scores.
    splits : DataFrame
        split, patient, role.
    """
    roles = splits.astype(str).drop_duplicates(["split", "patient", "role"])
    learned = scores[["split", "fold", "patient"]].astype(str).drop_duplicates()
    folds = inner[["split", "patient", "role"]].astype(str)
    below = folds.assign(split=folds["split"].map(outer_split))[["split", "patient"]]
    looked_at = (
        f"{len(scores):,} scores of {counted(scores['patient'].nunique(), 'patient')} in "
        f"{counted(folds['split'].nunique(), 'inner fold')}"
    )
    everyone = pd.concat([learned[["split", "patient"]], below]).drop_duplicates()
    return [
        Check(
            "Did the stacking of radiomics and DenseNet-121 learn from a patient it tests?",
            looked_at,
            _outside_training(everyone, roles),
        ),
        Check(
            "Did it learn from scores of models that had seen the patient?",
            looked_at,
            _seen_before(learned, folds),
        ),
    ]


def _outside_training(learned: pd.DataFrame, roles: pd.DataFrame) -> list[Finding]:
    """A finding for each split whose stacking learned from a patient outside its training part."""
    joined = learned.merge(roles, how="left", on=["split", "patient"])
    wrong = joined[~joined["role"].isin(["train", "validation"])]
    return [
        Finding(
            tuple(sorted(set(rows["patient"]))),
            f"the stacking of {split} learned from patient "
            f"{list_names(sorted(set(rows['patient'])))}, who is not in its training part",
            AGAIN,
        )
        for split, rows in wrong.groupby("split")
    ]


def _seen_before(learned: pd.DataFrame, folds: pd.DataFrame) -> list[Finding]:
    """A finding for each inner fold that scored patients it did not hold out."""
    held_out = folds.rename(columns={"split": "fold"})
    joined = learned.merge(held_out, how="left", on=["fold", "patient"])
    wrong = joined[joined["role"] != "test"]
    return [
        Finding(
            tuple(sorted(set(rows["patient"]))),
            f"the models of {fold} had seen patient "
            f"{list_names(sorted(set(rows['patient'])))}, whose scores the stacking learned from",
            AGAIN,
        )
        for fold, rows in wrong.groupby("fold")
    ]
