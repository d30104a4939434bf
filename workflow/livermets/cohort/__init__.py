"""The cohort table: who is in the study, who is not and why.

In: the cohort sheet and each patient's records. Out: `results/cohort.tsv`, and `results/scans.tsv`
where the sheet lists several scans of a patient.
Front doors: `cohort_table.list_cohort`, `cohort_table.read_cohort`.
May not import imaging or models: it reads records and tables only.
"""
