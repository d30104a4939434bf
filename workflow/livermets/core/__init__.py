"""Tools that every room uses: errors for a person, JSON files, logs of jobs, seeds, code digests.

In and out: nothing of the study; the functions here know no patient and no table.
Front doors: `errors.BadPatient`, `jobs.job`, `seeds.derive_seed`, `exclusion.exclude_or_stop`.
May import the standard library alone, since planning the workflow imports it; `templating` imports
Jinja, which comes with Snakemake.
"""
