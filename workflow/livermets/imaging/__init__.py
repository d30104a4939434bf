"""CT scans: reading, checking, and the facts of their acquisition.

In: a DICOM folder, NIfTI or NRRD. Out: `results/ct/{patient}.nii.gz` (int16 HU) and `.json`.
Front doors: `ct.import_ct`, `draft_cohort` (`make cohort`).
May not import masks or anything above: a scan is the same whatever is drawn on it.
"""
