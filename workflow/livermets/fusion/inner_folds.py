"""Inner folds: parts of the training patients of a split, held out in turn.

Models that are trained on the other parts give scores of patients whom they have not seen. From
these the stacking learns. The test patients of the split are in none of the parts and in no row of
the table.
"""

from collections.abc import Mapping

import pandas as pd

from livermets.core.errors import BadInput
from livermets.splits.folds import stratified_folds
from livermets.study.fusion import inner_split

SEVERAL = "lesions of several classes"  # a patient whose lesions differ in their label


def divide_training_patients(
    splits: pd.DataFrame, labels: Mapping[str, str], folds: int, seed: int
) -> pd.DataFrame:
    """Divide the training patients of every split into inner folds.

    Parameters
    ----------
    splits : data frame
        Columns split, patient, role.
    labels : mapping
        Class name of each patient; a patient without one is in a group of their own kind.
    folds : int
        Number of inner folds.
    seed : int
        The study's seed.

    Returns
    -------
    data frame
        split (of `livermets.study.fusion.inner_split`), patient, role: each fold is "test" once and
        "train" otherwise. The split's validation patients validate in every fold.

    Raises
    ------
    BadInput
        A split has fewer training patients than folds.
    """
    tables = []
    for split, part in splits.groupby("split", sort=False):
        train = sorted(part.loc[part["role"] == "train", "patient"])
        if len(train) < folds:
            raise BadInput(
                f"{split}: {len(train)} training patients cannot be divided into {folds} parts; "
                "lower fusion.folds, or set fusion.stacking to false."
            )
        groups: dict[str, list[str]] = {}
        for patient in train:
            label = labels.get(patient)
            groups.setdefault(label if isinstance(label, str) else SEVERAL, []).append(patient)
        groups = dict(sorted(groups.items()))
        validation = part.loc[part["role"] == "validation", ["patient", "role"]]
        held_out = stratified_folds(groups, folds, seed, "fusion", split)
        for number, tested in enumerate(held_out, start=1):
            rows = pd.DataFrame({"patient": train})
            rows["role"] = rows["patient"].isin(tested).map({True: "test", False: "train"})
            rows = pd.concat([rows, validation], ignore_index=True)
            rows.insert(0, "split", inner_split(str(split), number))
            tables.append(rows)
    return pd.concat(tables, ignore_index=True)
