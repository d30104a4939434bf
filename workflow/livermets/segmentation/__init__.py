"""Automatic masks by a chain of nnU-Net v2 models, their download and their training.

In: `results/ct`. Out: `results/segmentation/{patient}.nii.gz`, which is never changed afterwards.
Front doors: `inference.segment_files`, `training.train`, `model_download.fetch`.
May not import lesions or review: a model's mask is written down as it is.
"""
