"""Segmentation of liver and lesions by a chain of models; their download and their training.

In: `results/ct`. Out: `results/segmentation/{patient}.nii.gz`, which no later stage changes, and
`{patient}.lesion_probability.nii.gz`.
Front doors: `model_chain.load_chain`, `inference.segment_files`, `training.train`,
`model_download.download_model`.
May not import lesions or review: the mask of the models is written as it is, and judged later.
"""
