"""The study as it was asked for: configuration, cohort sheet, names of splits and arms.

In: `config/config.yaml` and the sheet it names. Out: checked settings and the names of every file.
Front doors: `config.load_config`, `config.load_patients`.
Runs while Snakemake plans, so it may import the standard library, pandas and what Snakemake brings
(jsonschema, yaml); NumPy-heavy libraries, SimpleITK, scikit-learn and torch would slow every command.
"""
