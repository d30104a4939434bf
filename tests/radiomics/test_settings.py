"""Settings: the defaults copied from pyradiomics are pyradiomics' own."""

from livermets.radiomics.settings import full_settings
from radiomics.featureextractor import RadiomicsFeatureExtractor


def test_written_down_defaults_are_pyradiomics():
    settings = RadiomicsFeatureExtractor({"setting": {"binWidth": 25}}).settings
    assert full_settings({"binWidth": 25}) == settings | {"label": 1, "additionalInfo": False}
