"""The study as it was asked for: configuration, cohort sheet, names of splits and arms.

In: `config/config.yaml` and the sheet it names. Out: checked settings and the names of every file.
Front doors: `study.Study.load`; `table_file.read_table_file` for every table that a user gives;
`arms.Arm` and `schemes` hold the names of arms and splits.
Runs while Snakemake plans, so it may import the standard library, pandas and what Snakemake brings
(jsonschema, yaml). SimpleITK, scikit-learn or torch would slow down every command.
"""
