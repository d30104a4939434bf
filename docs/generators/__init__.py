"""Writes the parts of the documentation that have a source in the code or in the schema."""
