"""Settings of pyradiomics: checked by its own schema and completed with its defaults."""

import math
from collections.abc import Iterator
from typing import Any

from livermets.core.errors import BadInput

MANUAL = "https://pyradiomics.readthedocs.io/en/v3.0.1/customization.html"
WORDS = ("interpolator", "weightingNorm", "resegmentMode")  # settings whose values are words
DEFAULT_BIN_WIDTH = 25  # HU, of pyradiomics where neither binWidth nor binCount is given
# Copied from pyradiomics, since asking it for them loads its validator, which takes longer than
# the features of a lesion. A test compares the copy with pyradiomics.
DEFAULTS: dict[str, Any] = {
    "minimumROIDimensions": 2,
    "minimumROISize": None,
    "normalize": False,
    "normalizeScale": 1,
    "removeOutliers": None,
    "resampledPixelSpacing": None,
    "interpolator": "sitkBSpline",
    "preCrop": False,
    "padDistance": 5,
    "distances": [1],
    "force2D": False,
    "force2Ddimension": 0,
    "resegmentRange": None,
    "label": 1,
    "additionalInfo": False,
}


def full_settings(settings: dict, config_key: str = "radiomics") -> dict:
    """Complete settings of pyradiomics with its defaults.

    Parameters
    ----------
    settings : dict
        As in the configuration.
    config_key : str
        Where they stand in the configuration, for the message of an error.

    Raises
    ------
    BadInput
        If pyradiomics does not know a setting or its value.
    """
    for key in ("label", "label_channel"):
        if key in settings:
            raise BadInput(f"{config_key}.settings.{key} is set by the workflow: remove it")
    _refuse_what_is_no_number(settings, config_key)
    _refuse_lengths(settings, config_key)
    if set(settings) - {"binWidth"} or settings.get("binWidth", 0) <= 0:
        _validate(settings, config_key)
    return DEFAULTS | settings


def _refuse_what_is_no_number(settings: dict, config_key: str) -> None:
    """Refuse what pyradiomics' schema takes for a number and its arithmetic does not."""
    for key, value in settings.items():
        for part in _parts(value):
            if isinstance(part, str) and key not in WORDS:
                problem = f"{part!r}, a text. Write the number without quotation marks"
            elif isinstance(part, float) and not math.isfinite(part):
                problem = f"{part}. Write a number"
            elif key == "binWidth" and (part is None or isinstance(part, bool)):
                problem = f"{part}. Write a number of HU, or remove the key"
            else:
                continue
            raise BadInput(f"{config_key}.settings.{key} is {problem} (keys and values: {MANUAL})")


def _refuse_lengths(settings: dict, config_key: str) -> None:
    """Refuse lists that are shorter or longer than pyradiomics can use; its schema takes them."""
    for key, least, most in (("distances", 1, None), ("resegmentRange", 1, 2)):
        value = settings.get(key)
        if isinstance(value, list) and not least <= len(value) <= (most or len(value)):
            raise BadInput(
                f"{config_key}.settings.{key} is {value}. Write {least} number"
                + (f" or {most}" if most else " or more")
                + f" (keys and values: {MANUAL})"
            )


def _parts(value: Any) -> Iterator[Any]:
    """A value, or the values of a list."""
    yield from value if isinstance(value, list | tuple) else (value,)


def _validate(settings: dict, config_key: str) -> None:
    """Check settings by pyradiomics' own schema, which is loaded here only, as that is slow."""
    from pykwalify.errors import PyKwalifyException
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    try:
        full = RadiomicsFeatureExtractor({"setting": settings}).settings
    except (PyKwalifyException, ValueError, TypeError) as problem:
        details = " ".join(str(getattr(problem, "msg", problem)).split()).rstrip(".")
        raise BadInput(
            f"{config_key}.settings: {details}. Keys and values are those of {MANUAL}"
        ) from problem
    spacing = full["resampledPixelSpacing"]
    if spacing is not None and len(spacing) != 3:
        raise BadInput(
            f"{config_key}.settings.resampledPixelSpacing is {spacing}: "
            "give three numbers in mm, x, y and z (0 keeps an axis as it is)"
        )
