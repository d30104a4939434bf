"""Embeddings of the study's own network beside the features of a lesion, split by split."""

import pandas as pd

from livermets.core.errors import BadInput
from livermets.core.scan_ids import in_words, scan_id
from livermets.study.names import DENSENET, lesion_key


def embedding_columns(embeddings: pd.DataFrame) -> list[str]:
    """List the columns of a table of `livermets.deep_learning.lesion_embeddings`."""
    return [name for name in map(str, embeddings) if name.startswith(f"{DENSENET}_")]


def join_embeddings(features: pd.DataFrame, embeddings: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Put the embeddings of a split beside the columns of each lesion.

    Parameters
    ----------
    features : data frame
        One row per lesion.
    embeddings : data frame
        Of one split as `livermets.deep_learning.lesion_embeddings.embed_lesions` returns it.

    Returns
    -------
    split : str
        Name of the split.
    joined : data frame
        The rows of `features`, with densenet121_0000 and so on.

    Raises
    ------
    BadInput
        A lesion has no embedding.
    """
    split, key = str(embeddings["split"].iloc[0]), lesion_key(features)
    table = embeddings.drop(columns="split")
    joined = features.merge(table, on=key, how="left", validate="one_to_one", indicator=True)
    missing = joined[joined["_merge"] != "both"]
    if len(missing):
        *owner, lesion = missing[key].iloc[0]
        raise BadInput(
            f"patient {in_words(scan_id(*owner))}: lesion {lesion} has no embedding in {split}: "
            "delete results/slices and run again."
        )
    return split, joined.drop(columns="_merge")
