"""Explanation: what the models looked at, and which lesion decided a patient.

In: `results/slices`, `results/models`, `results/features.parquet`, `results/predictions`.
Out: `results/explanation` and its tables in `results/tables`. Front doors:
`network_study.look_at_split`, `shap_values.explain_arm`, `lesion_effects.lesion_effects`.
May not train a model: it only reads models that were trained.
"""
