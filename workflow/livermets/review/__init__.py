"""Review: overlays, quality checks and worklist for the reader; agreement of two masks.

In: CT, mask and lesions of a patient. Out: `results/review` and `results/agreement.tsv`.
Front doors: `quality_checks.check_mask`, `overlay.draw_overlay`, `worklist.render_worklist`,
`agreement.compare_masks`.
May not import classification or evaluation: a mask is judged before anything is learned from it.
"""
