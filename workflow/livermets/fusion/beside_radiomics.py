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
from livermets.features.features_table import feature_columns
from livermets.features.network_embeddings import embedding_columns, join_embeddings
from livermets.fusion.radiomics_arm import Chosen, ChosenTrainer
from livermets.predictions.task import Task
from livermets.study.fusion import fusion_arm

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
        Of each split as `livermets.deep_learning.lesion_embeddings.embed_lesions` returns it.
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
        split, rows = join_embeddings(features, table)
        columns = [*feature_columns(features), *embedding_columns(table)]
        of_split = splits[splits["split"] == split]
        with threadpool_limits(settings.threads):
            scored, _, report = train_on_splits(ARM, rows, of_split, columns, task, train, unstable)
        predictions.append(scored)
        reports.append(report)
    return pd.concat(predictions, ignore_index=True), pd.concat(reports, ignore_index=True)
