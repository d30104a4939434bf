"""Radiomics with DenseNet-121's embeddings: the radiomics arm with further features.

The embeddings of a split are those of its own network, which no test patient has trained. The
network has seen the training patients, whose embeddings therefore tell their class better than
those of a new patient: the classifier may trust them too much. The stacking has no such bias.
"""

from collections.abc import Iterable

import pandas as pd
from threadpoolctl import threadpool_limits

from livermets.classification.split_training import Unstable, train_on_splits
from livermets.classification.training import TrainingSettings
from livermets.core.errors import BadInput
from livermets.core.scan_ids import in_words, scan_id
from livermets.features.features_table import feature_columns
from livermets.fusion.radiomics_arm import Chosen, ChosenTrainer
from livermets.predictions.task import Task
from livermets.study.fusion import fusion_arm
from livermets.study.names import DENSENET, lesion_key

ARM = fusion_arm("embeddings")


def train_beside_radiomics(
    features: pd.DataFrame,
    embeddings: Iterable[pd.DataFrame],
    splits: pd.DataFrame,
    chosen: Chosen,
    task: Task,
    settings: TrainingSettings,
    unstable: Unstable | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train the radiomics arm of each split on radiomics and embeddings together.

    Parameters
    ----------
    features : data frame
        One row per lesion: patient, lesion, label and features.
    embeddings : iterable of data frame
        Of each split as `livermets.fusion.lesion_embeddings.embed_lesions` returns it.
    splits : data frame
        Columns split, patient, role.
    chosen : mapping
        Split -> radiomics arm.
    task : Task
        The classes.
    settings : TrainingSettings
        How to train.
    unstable : mapping, optional
        Features to leave out of each split.

    Returns
    -------
    predictions : data frame
        A prediction table.
    report : data frame
        As `livermets.classification.training.train_arm` returns it.

    Raises
    ------
    BadInput
        A lesion of the features table has no embedding.
    """
    train = ChosenTrainer(chosen, str, task, settings)
    predictions, reports = [], []
    for table in embeddings:
        split = str(table["split"].iloc[0])
        rows = _joined(features, table.drop(columns="split"), split)
        embedded = [name for name in map(str, table) if name.startswith(f"{DENSENET}_")]
        columns = [*feature_columns(features), *embedded]
        of_split = splits[splits["split"] == split]
        with threadpool_limits(settings.threads):
            scored, _, report = train_on_splits(ARM, rows, of_split, columns, task, train, unstable)
        predictions.append(scored)
        reports.append(report)
    return pd.concat(predictions, ignore_index=True), pd.concat(reports, ignore_index=True)


def _joined(features: pd.DataFrame, embeddings: pd.DataFrame, split: str) -> pd.DataFrame:
    """The features with the embeddings of each lesion beside them."""
    key = lesion_key(features)
    joined = features.merge(embeddings, on=key, how="left", validate="one_to_one", indicator=True)
    missing = joined[joined["_merge"] != "both"]
    if len(missing):
        *owner, lesion = missing[key].iloc[0]
        raise BadInput(
            f"patient {in_words(scan_id(*owner))}: lesion {lesion} has no embedding in {split}: "
            "delete results/slices and run again."
        )
    return joined.drop(columns="_merge")
