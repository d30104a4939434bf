"""Feature sets: which voxels, through which filter, with which settings, under which name.

A set's features are named `{set}_{class}_{Feature}`, those of a filter's images
`{set}-{image}_{class}_{Feature}`. So the set `original` has pyradiomics' own names, and so have a
LoG filter's called `log` and a wavelet's called `wavelet`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadInput
from livermets.core.seeds import derive
from livermets.radiomics.feature_classes import CLASSES, Reasons, class_features, region_features
from livermets.radiomics.lazy_pyradiomics import imageoperations
from livermets.radiomics.regions import Region, Scan

ORIGINAL: Mapping[str, dict] = {"original": {}}
# The recursive Gaussian forgets like exp(-1.78 x / sigma): 1e-11 is left after 14 sigma.
LOG_REACH = 14


@dataclass(frozen=True)
class FeatureSet:
    """One named set.

    region : "lesion", "ring" (liver within `width_mm` around it) or "liver" (without lesions)
    filter : None, "log" (Laplacian of Gaussian, `sigma_mm`) or "wavelet" (stationary, `wavelet`)
    shuffle : permute the grey values within the lesion: the histogram stays, texture goes
    settings : all of pyradiomics' settings
    """

    name: str
    settings: dict
    classes: tuple[str, ...]
    region: str = "lesion"
    width_mm: float = 10.0
    filter: str | None = None
    sigma_mm: tuple[float, ...] = (2.0, 4.0)
    wavelet: str = "coif1"
    shuffle: bool = False
    seed: int = 0

    @property
    def images(self) -> list[str]:
        """The prefixes of the features: one, or one for each image of the filter."""
        if self.filter == "log":
            sigmas = (str(sigma).replace(".", "-") for sigma in self.sigma_mm)
            return [f"{self.name}-sigma-{sigma}-mm-3D" for sigma in sigmas]
        if self.filter == "wavelet":
            bands = product("LH", repeat=2 if self.settings["force2D"] else 3)
            return [f"{self.name}-{''.join(band)}" for band in bands]
        return [self.name]

    @property
    def columns(self) -> list[str]:
        """The names of the features."""
        return [
            f"{i}_{c}_{f}" for i in self.images for c in self.classes for f in class_features(c)
        ]

    def cut(self, scan: Scan, lesion: int | None) -> Region | str:
        """All that is needed of the scan, with the surroundings a filter asks for; or why not."""
        try:
            return self._region(scan, lesion)
        except ValueError as problem:
            return f"ValueError: {problem}"

    def features(self, region: Region | str, lesion: int | None) -> tuple[dict[str, float], str]:
        """`{column: value}` of what is defined, and why the rest is not ("" where nothing is)."""
        if isinstance(region, str):
            return {}, self._reason({region: ["all features"]})
        values: dict[str, float] = {}
        reasons: Reasons = {}
        missing = set(self.images)
        for image, filtered in self._filtered(self._shuffled(region, lesion)):
            found, problems = region_features(filtered, self.settings, self.classes)
            values |= {f"{image}_{name}": value for name, value in found.items()}
            missing.remove(image)
            for text, what in problems.items():
                which = what if len(self.images) == 1 else [f"{image} {part}" for part in what]
                reasons.setdefault(text, []).extend(which)
        if missing:
            reasons["the lesion's surroundings are too small for the filter"] = sorted(missing)
        return values, self._reason(reasons)

    def _reason(self, reasons: Reasons) -> str:
        text = "; ".join(f"{', '.join(what)}: {why}" for why, what in reasons.items())
        return text if self.name == "original" or not text else f"{self.name}: {text}"

    def _region(self, scan: Scan, lesion: int | None) -> Region:
        if self.region == "ring":
            return scan.ring(lesion, self.settings, self.width_mm)
        if self.region == "liver":
            return scan.liver(self.settings)
        pad: Any = 0
        if self.filter == "log":
            pad = np.ceil(LOG_REACH * max(self.sigma_mm) / np.array(scan.ct.GetSpacing())).astype(
                int
            )
        elif self.filter == "wavelet":
            pad = 64
        return scan.cut(lesion, self.settings, pad)

    def _shuffled(self, region: Region, lesion: int | None) -> Region:
        if not self.shuffle:
            return region
        image = region.image.copy()
        rng = np.random.default_rng(derive(self.seed, "shuffled voxels", lesion))
        image[region.mask] = rng.permutation(image[region.mask])
        return replace(region, image=image)

    def _filtered(self, region: Region) -> Iterator[tuple[str, Region]]:
        if self.filter is None:
            yield self.name, region
            return
        images = {"log": imageoperations.getLoGImage, "wavelet": imageoperations.getWaveletImage}
        options = self.settings | {"sigma": self.sigma_mm, "wavelet": self.wavelet}
        for image, name, _ in images[self.filter](*region.images, **options):
            grey = sitk.GetArrayFromImage(image)
            yield f"{self.name}-{name.partition('-')[2]}", replace(region, image=grey)


def feature_sets(
    settings: dict, classes: Sequence[str], sets: Mapping[str, dict] = ORIGINAL
) -> tuple[FeatureSet, ...]:
    """The sets as configured, checked.

    Parameters
    ----------
    settings, classes : pyradiomics' settings and the feature classes of every set
    sets : name -> what differs: the fields of `FeatureSet`; `settings` are laid over the common
        ones. Filters, rings and liver have no shape unless their `classes` say so.

    Raises
    ------
    BadInput : an unknown setting, class or set
    """
    return _feature_sets(json.dumps([settings, list(classes), dict(sets)]))


@lru_cache(maxsize=8)  # pyradiomics' validation takes 30 ms, and a patient has many lesions
def _feature_sets(given: str) -> tuple[FeatureSet, ...]:
    settings, classes, sets = json.loads(given)
    made = []
    for name, own in sets.items():
        where = "radiomics" if name == "original" else f"radiomics.sets.{name}"
        if not re.fullmatch("[a-z][a-z0-9]*", name) or name == "clinical":
            raise BadInput(
                f"radiomics.sets: {name!r} cannot name a set: use small letters and digits, "
                "a letter first, and not `clinical`"
            )
        own = dict(own)
        shapeless = own.get("filter") or own.get("region", "lesion") != "lesion"
        wanted = own.pop("classes", None) or [
            c for c in classes if not (shapeless and c.startswith("shape"))
        ]
        full = full_settings(settings | (own.pop("settings", None) or {}), where)
        if "sigma_mm" in own:
            own["sigma_mm"] = tuple(own["sigma_mm"])
        made.append(FeatureSet(name, full, _checked_classes(wanted, where), **own))
    return tuple(made)


def _checked_classes(classes: Sequence[str], where: str) -> tuple[str, ...]:
    unknown = [name for name in classes if name not in CLASSES]
    if unknown or not classes:
        raise BadInput(
            f"{where}.classes: {', '.join(map(str, unknown)) or 'empty'}. "
            f"Name one or more of {', '.join(CLASSES)}"
        )
    return tuple(dict.fromkeys(classes))


# pyradiomics' defaults, written down: asking it for them loads its validator, for longer than a
# lesion takes. A test holds them against pyradiomics.
DEFAULTS = {
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


def full_settings(given: dict, where: str = "radiomics") -> dict:
    """All of pyradiomics' settings, defaults included; BadInput for one it does not know."""
    for key in ("label", "label_channel"):
        if key in given:
            raise BadInput(f"{where}.settings.{key} is set by the workflow: remove it")
    width = given.get("binWidth")
    if set(given) - {"binWidth"} or not isinstance(width, int | float) or width <= 0:
        _validate(given, where)
    return DEFAULTS | given


def _validate(given: dict, where: str) -> None:
    from pykwalify.errors import PyKwalifyException
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    try:
        full = RadiomicsFeatureExtractor({"setting": given}).settings
    except (PyKwalifyException, ValueError, TypeError) as problem:
        details = " ".join(str(getattr(problem, "msg", problem)).split()).rstrip(".")
        raise BadInput(
            f"{where}.settings: {details}. Keys and values are those of "
            "https://pyradiomics.readthedocs.io/en/v3.0.1/customization.html"
        ) from problem
    spacing = full["resampledPixelSpacing"]
    if spacing is not None and len(spacing) != 3:
        raise BadInput(
            f"{where}.settings.resampledPixelSpacing is {spacing}: "
            "give three numbers in mm, x, y and z (0 keeps an axis as it is)"
        )
