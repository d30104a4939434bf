"""Masks of liver and lesions: the label map, the files of other programs, the mask of the study.

In: the automatic, given and corrected mask of a patient. Out: `results/masks/{patient}.nii.gz`.
Front doors: `labels.Label`, `mask_files.read_mask`, `final_mask.final_mask`,
`dicom_seg.write_dicom_seg`, `seg_nrrd.write_seg_nrrd`.
May not import segmentation: a mask is treated alike whatever made it. `labels` imports the standard
library alone, so that every room can use it.
"""
