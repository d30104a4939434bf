"""The classes of the tests' studies, and the labels of their masks."""

CLASSES, POSITIVE = ["colorectal", "pancreatic"], "pancreatic"
THREE_CLASSES = ["colorectal", "gastric", "pancreatic"]
LABELS = {"liver": 1, "lesion": 2}  # of a mask
