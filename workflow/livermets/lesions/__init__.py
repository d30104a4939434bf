"""Single lesions: components of the mask, their sizes, tumour burden.

In: a CT and its final mask. Out: `results/lesions/{patient}.nii.gz`, `.tsv` and `.json`.
Front door: `components.split_lesions`.
May not import radiomics: which lesions are kept may not depend on their texture.
"""
