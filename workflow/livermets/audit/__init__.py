"""The leakage audit: what was tested has to be new to what had learned.

In: cohort, features, splits, predictions and hashes of images. Out: `results/audit.json`.
Front doors: `leakage_audit.audit_data`, `leakage_audit.audit_predictions`.
May not import models or evaluation: it must not share their mistakes.
"""
