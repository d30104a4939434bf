"""The leakage audit: test patients must be new to the models that are tested on them.

In: cohort, features, splits, predictions and fingerprints of images, and what a person has decided
(`verdicts.Verdicts`). Out: `results/audit.json`.
Front doors: `leakage_audit.audit_data`, `leakage_audit.audit_predictions`.
May not import models or evaluation: it must not share their mistakes.
"""
