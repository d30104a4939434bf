"""Radiomics: pyradiomics' features of every lesion, fast and with equal values.

In: a CT and its numbered lesions. Out: `results/radiomics`, the dictionary of features, their ICC.
Front doors: `extraction.extract_files`, `perturbations.perturbed_rows`, `icc.icc_table`.
May not import pandas or scikit-learn in `extraction` and what it uses: a job per lesion starts in
half a second because of that.
"""
