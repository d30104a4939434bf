"""Sections of the report: each module gathers what one partial template shows."""
