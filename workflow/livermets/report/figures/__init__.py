"""Figures of the report: one module a kind, drawn as SVG or PNG."""
