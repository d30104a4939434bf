"""The cohort table: who is in the study, who is not and why.

In: the cohort sheet and each patient's records. Out: `results/cohort.tsv`.
Front door: `cohort_table.list_cohort`.
May not import imaging or models: it reads records and tables only.
"""
