"""Names that tables and arms share, apart from the registry of classifiers.

A rule that needs one of them does not rerun when a classifier is added.
"""

CLINICAL = "clinical_"  # prefix of the clinical columns in the features table
SITE = "site"  # column of the cohort sheet: where a patient was scanned
DENSENET = "densenet121"  # the arm of deep learning
RADIOMICS = "radiomics"  # the arm that learns from the features of all lesions of a patient at once
