"""Digital CT phantoms with known lesions, for the demo cohort and for tests.

In: `phantoms:` of the configuration. Out: a CT and its true mask.
Front door: `phantom.make_phantom`.
May import imaging and the label map of masks, no stage that works on images: a phantom must not be
made by the code that it tests.
"""
