"""The classes of a study: which is the positive one, and whether there are two."""

from livermets.predictions.task import Task


def test_the_positive_class_has_its_place_among_the_classes():
    assert Task(["a", "b"], "a").positive_number == 0
    assert Task(["a", "b", "c"], "c").positive_number == 2


def test_two_classes_are_binary_and_three_are_not():
    assert Task(["a", "b"], "a").binary
    assert not Task(["a", "b", "c"], "a").binary
