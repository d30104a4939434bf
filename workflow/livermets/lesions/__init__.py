"""Lesions: the connected components of a mask, their diameters, and lesions matched between masks.

In: a CT and its final mask. Out: `results/lesions/{patient}.nii.gz`, `.tsv` and `.json`.
Front doors: `components.label_lesions`, `matching.match_lesions`.
May not import radiomics: which lesions are kept may not depend on their texture.
"""
