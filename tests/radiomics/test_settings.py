"""Settings: the defaults are pyradiomics' own, and what it cannot use is refused by name."""

import pytest
from livermets.core.errors import BadInput
from livermets.radiomics.settings import full_settings
from radiomics.featureextractor import RadiomicsFeatureExtractor


def test_written_down_defaults_are_pyradiomics():
    settings = RadiomicsFeatureExtractor({"setting": {"binWidth": 25}}).settings
    assert full_settings({"binWidth": 25}) == settings | {"label": 1, "additionalInfo": False}


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"binwidth": 25}, "'binwidth' was not defined"),
        ({"binWidth": "wide"}, "binWidth"),
        ({"binWidth": 0}, "binWidth"),
        ({"binWidth": "25"}, "binWidth is '25', a text. Write the number without quotation"),
        ({"binWidth": None}, "binWidth is None. Write a number of HU"),
        ({"binWidth": True}, "binWidth is True. Write a number of HU"),
        ({"binWidth": float("nan")}, "binWidth is nan. Write a number"),
        ({"binWidth": float("inf")}, "binWidth is inf. Write a number"),
        ({"distances": []}, r"distances is \[\]. Write 1 number or more"),
        ({"resegmentRange": [1, 2, 3]}, r"resegmentRange is \[1, 2, 3\]. Write 1 number or 2"),
        ({"resampledPixelSpacing": [1, "1", 1]}, "resampledPixelSpacing is '1', a text"),
        ({"label": 2}, "label is set by the workflow"),
        ({"resampledPixelSpacing": [1, 1]}, "three numbers in mm"),
        ({"interpolator": "cubic"}, "possible values"),
        ({"resegmentRange": 5}, "resegmentRange"),
    ],
    ids=str,
)
def test_a_setting_pyradiomics_does_not_know_is_refused_by_name(settings, hint):
    with pytest.raises(BadInput, match=f"radiomics.settings.*{hint}"):
        full_settings(settings)
