"""Review: what a reader needs to judge a mask, and how far corrections went.

In: CT, mask and lesions of a patient. Out: `results/review` and `results/agreement.tsv`.
Front doors: `quality_checks.look_over`, `overlay`, `worklist.render_worklist`, `agreement.compare_masks`.
May not import classification or evaluation: a mask is judged before anything is learned from it.
"""
