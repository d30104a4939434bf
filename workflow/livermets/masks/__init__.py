"""Masks of liver and lesions: the label map, corrections, and the files of other programs.

In: the automatic, given and corrected mask of a patient. Out: `results/masks/{patient}.nii.gz`.
Front doors: `final_mask.final_mask`, `dicom_seg.write_dicom_seg`, `seg_nrrd.write_seg_nrrd`.
May not import segmentation: where a mask comes from does not matter here. `corrections` is asked
while the workflow is planned and may import the standard library alone.
"""
