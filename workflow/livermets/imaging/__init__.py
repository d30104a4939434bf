"""CT scans: reading, checking, and how they were acquired.

In: a DICOM folder, NIfTI or NRRD. Out: `results/ct/{patient}.nii.gz` (int16 HU) and `.json`.
Front doors: `ct.import_ct`, `draft_cohort.draft_cohort` (`make cohort`; the modules `draft_*` read
the headers, tell persons apart, rank the series and check them as import does).
May not import masks or anything above: reading a scan does not depend on its masks. `geometry` and
`volumes` are used in every room, so they import NumPy and SimpleITK alone.
"""
