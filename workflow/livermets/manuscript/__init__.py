"""What a paper needs beside the results: the methods section, and checklists that are filled in.

In: the tables and JSON files of the results, and the configuration. Out: `results/manuscript`.
Entry points: `methods.write_methods`, `checklist_files.write_checklists`, `crate.write_crate`. The
items of the
checklists are in `resources/checklists`. No other room may import this one, and it imports no
model: it reads what the run has written.
"""
