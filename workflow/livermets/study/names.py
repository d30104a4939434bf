"""Names that tables and arms share, apart from the registry of classifiers.

A rule that needs one of them does not rerun when a classifier is added.
"""

from collections.abc import Hashable, Iterable

CLINICAL = "clinical_"  # prefix of the clinical columns in the features table
SITE = "site"  # column of the cohort sheet: where a patient was scanned
DENSENET = "densenet121"  # the arm of deep learning
RADIOMICS = "radiomics"  # the arm that learns from the features of all lesions of a patient at once
EMBEDDINGS = "embeddings"  # feature set: a table of embeddings of other networks
WITH_EMBEDDINGS = "radiomics_with_embeddings"  # choice of feature sets: radiomics and embeddings
SCAN = "scan"  # column of the cohort sheet: which scan of the patient, where it lists several


def lesion_key(columns: Iterable[Hashable]) -> list[str]:
    """Name the columns that identify a lesion in a table: patient, scan (if any) and lesion.

    Lesions are numbered in each scan, so patient and number alone may mean two lesions.

    Parameters
    ----------
    columns : iterable
        The columns of the table, or the table itself.

    Examples
    --------
    >>> lesion_key(["arm", "patient", "scan", "lesion", "score"])
    ['patient', 'scan', 'lesion']
    """
    return ["patient", *([SCAN] if SCAN in set(columns) else []), "lesion"]
