"""Sections of the report, one module and one partial template each.

A section has a title, the results it needs, a template beside its module, a caption and a function
`context` that makes the template's values from a `StudyResults`. `order.sections` lists them in the
order of the page. A new section is a module and a template in this folder, and a line in `order`.
"""
