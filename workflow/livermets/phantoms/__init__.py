"""Digital CT phantoms with known lesions, for the demo cohort and for tests.

In: `phantoms:` of the configuration. Out: a CT and its true mask.
Front door: `phantom.make_phantom`.
May not import any stage: what tests a stage must not be made by it.
"""
