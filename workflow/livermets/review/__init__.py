"""Review: pages, overlays, checks and worklist for readers, their decisions; agreement of masks.

In: CT, mask and lesions of a patient, and the files of the readers' decisions. Out:
`results/review` and `results/agreement.tsv`, and the lesions that are left.
Front doors: `review_page.write_review_page`, `decisions.read_readings`,
`settled_review.apply_readings`, `quality_checks.check_mask`, `overlay.draw_overlay`,
`worklist.render_worklist`, `agreement.compare_masks`.
May not import classification or evaluation: a mask is judged before anything is learned from it.
"""
