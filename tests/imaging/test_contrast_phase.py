"""The contrast phase, by the words of a description or by the time since the injection."""

import pytest
from livermets.imaging.contrast_phase import phase_from_text, phase_from_times


@pytest.mark.parametrize(
    ("text", "phase"),
    [("Abdomen portalvenös 1.5 B30s", "portal venous"), ("ABD_PV_1.0", "portal venous"),
     ("Leber 70s", "portal venous"), ("Thorax CTA", "arterial"), ("nativ 5.0", "native"),
     ("Liver non-contrast", "native"), ("late arterial", None),
     ("CT TRIPHASIC LIVER (NON-ANGIOGRAPHIC)", None), ("Angio", "arterial"), ("Spaet venoes", None),
     ("Abdomen 1.5", None), ("", None)],
)  # fmt: skip
def test_a_phase_is_known_where_the_description_names_one_and_only_one(text, phase):
    assert phase_from_text(text, None) == phase


@pytest.mark.parametrize(
    ("acquired", "phase"),
    [("101535", "arterial"), ("101610.5", "portal venous"), ("101850", "delayed"),
     ("101550", None), ("101455", None), ("", None), ("at ten", None), ("1016", None),
     ("101672", None)],
    ids=["35 s", "70 s", "230 s", "between arterial and portal", "before the injection", "no time",
         "no number", "no seconds", "72 seconds of a minute"],
)  # fmt: skip
def test_where_no_description_names_a_phase_the_time_since_the_injection_does(acquired, phase):
    assert phase_from_times("101500", acquired) == phase
    assert phase_from_times(None, acquired) is None
