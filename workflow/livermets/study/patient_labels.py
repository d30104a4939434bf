"""Labels of patients: one class, or all classes of their lesions where lesions carry the label.

With `label_of: lesion` a patient may have lesions of several classes. The label of such a patient
names all of them, as in `benign + malignant`.
"""

from collections.abc import Iterable

BETWEEN = " + "  # no class may have it in its name


def patient_label(labels: Iterable[object]) -> str:
    """Name the classes of a patient's lesions, each once.

    >>> patient_label(["malignant", "benign", "malignant"])
    'benign + malignant'
    """
    return BETWEEN.join(sorted({str(label) for label in labels}))


def classes_of(label: str) -> list[str]:
    """List the classes that the label of a patient names.

    >>> classes_of("benign + malignant")
    ['benign', 'malignant']
    """
    return label.split(BETWEEN)


def has_several(labels: Iterable[str]) -> bool:
    """Whether a patient among these has lesions of several classes."""
    return any(BETWEEN in label for label in labels)


def patient_groups(labels: Iterable[str], classes: Iterable[str]) -> list[str]:
    """List the groups of patients: the classes in their order, then labels of several classes."""
    return [*classes, *sorted({label for label in labels if BETWEEN in label})]
