"""Radiomics: pyradiomics' features of every lesion, in less time and with equal values.

In: a CT and its numbered lesions. Out: `results/radiomics`, the dictionary of features, their ICC.
Front doors: `extraction.LesionExtractor`, `perturbations.perturb_files`, `icc.icc_table`.
May not import pandas or scikit-learn in `extraction` and its imports: the job of a lesion starts in
half a second for that reason.
"""
