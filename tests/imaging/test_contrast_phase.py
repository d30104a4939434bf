"""The contrast phase, by the words of a description or by the time since the injection."""

import pydicom
import pytest
from livermets.imaging.contrast_phase import contrast_phase, phase_from_times, phases_from_text

DESCRIPTIONS = {
    "Abdomen portalvenös 1.5 B30s": ["portal venous"],
    "ABD_PV_1.0": ["portal venous"],
    "Leber 70s": ["portal venous"],
    "Thorax/Abdomen venös": ["portal venous"],
    "CAP venous": ["portal venous"],
    "Venous 2.0": ["portal venous"],
    "Chest portal venous": ["portal venous"],
    "Thorax CTA": ["arterial"],
    "late arterial": ["arterial"],
    "spätarteriell": ["arterial"],
    "Angio": ["arterial"],
    "nativ 5.0": ["native"],
    "Liver non-contrast": ["native"],
    "venous delayed 3 min": ["delayed"],
    "Spaet venoes": ["delayed"],
    "Liver late venous": ["delayed"],
    "10 min": ["delayed"],
    "portal venous, delayed": ["portal venous", "delayed"],
    "Abdomen art/pv": ["portal venous", "arterial"],
    "chest venous": [],
    "Becken ven": [],
    "CT lateral": [],
    "CT TRIPHASIC LIVER (NON-ANGIOGRAPHIC)": [],
    "Abdomen 1.5": [],
    "": [],
}


@pytest.mark.parametrize(("text", "phases"), DESCRIPTIONS.items(), ids=DESCRIPTIONS)
def test_a_description_names_phases_and_a_vein_elsewhere_or_later_is_not_the_portal_one(
    text, phases
):
    assert phases_from_text(text) == phases


def test_the_description_comes_before_the_protocol_and_two_phases_tell_none():
    header = pydicom.Dataset()
    header.ProtocolName = "Abdomen nativ arteriell pv"
    assert contrast_phase(header) is None
    header.SeriesDescription = "1.5 arteriell"
    assert contrast_phase(header) == "arterial"
    header.SeriesDescription, header.ProtocolName = "ven 1.5", "Thorax"
    assert contrast_phase(header) is None
    header.ProtocolName = "Thorax Abdomen"
    assert contrast_phase(header) == "portal venous"


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
