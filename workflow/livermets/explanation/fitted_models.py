"""Fitted models: the model that each split of an arm was scored with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import pandas as pd


def load_fitted(files: Sequence[str | Path], chosen: str | Path) -> dict[str, Any]:
    """Load the fitted model of each split of one arm.

    Parameters
    ----------
    files : sequence of path
        `fitted.joblib` of the arm, in a folder of its name; or those of all classifiers, for the
        arm that takes another of them in each split.
    chosen : path
        `chosen.tsv` of the arm, which names the classifier of each split in the column `chosen`
        where there are several.

    Returns
    -------
    dict
        Split -> model.
    """
    table = pd.read_csv(chosen, sep="\t")
    paths = {Path(path).parent.name: Path(path) for path in files}
    arms = table["chosen"] if "chosen" in table else table["arm"]
    models = {arm: joblib.load(paths[arm]) for arm in arms.unique()}
    return {split: models[arm][split] for split, arm in zip(table["split"], arms, strict=True)}
