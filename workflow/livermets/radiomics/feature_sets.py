"""Feature sets: named groups of features, each with its own region, image filter and settings.

The features of a set are named `{set}_{class}_{Feature}`, those of a filtered image
`{set}-{image}_{class}_{Feature}`. The set `original` therefore has pyradiomics' own names, and so
have a LoG filter's set called `log` and a wavelet's called `wavelet`.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np
import pywt
import SimpleITK as sitk

from livermets.core.errors import BadInput
from livermets.core.seeds import derive_seed
from livermets.radiomics.feature_classes import (
    FEATURE_CLASSES,
    Reasons,
    class_features,
    describe_exception,
    region_features,
)
from livermets.radiomics.lazy_pyradiomics import imageoperations
from livermets.radiomics.regions import Region, Scan
from livermets.radiomics.settings import full_settings

ORIGINAL: Mapping[str, dict] = {"original": {}}
# The recursive Gaussian decays like exp(-1.78 x / sigma): 1e-11 is left after 14 sigma.
LOG_REACH = 14
WAVELET_REACH = 64  # voxels


@dataclass(frozen=True)
class FeatureSet:
    """One named group of features.

    Parameters
    ----------
    name : str
        First part of the names of its features.
    settings : dict
        All settings of pyradiomics.
    classes : tuple of str
        Feature classes of pyradiomics.
    region : {"lesion", "ring", "liver"}
        Voxels to measure: the lesion, the liver around it, or the liver without its lesions.
    width_mm : float
        Width of a ring.
    filter : {None, "log", "wavelet"}
        Laplacian of Gaussian or stationary wavelet transform before the features.
    sigma_mm : tuple of float
        Widths of the Laplacian of Gaussian.
    wavelet : str
        Name of the wavelet.
    shuffle : bool
        Permute the grey values within the lesion. The histogram stays the same; texture is lost.
    seed : int
        Seed of that permutation.
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
        """Prefixes of the features: the set's name, or one for each image of its filter."""
        if self.filter == "log":
            sigmas = (str(sigma).replace(".", "-") for sigma in self.sigma_mm)
            return [f"{self.name}-sigma-{sigma}-mm-3D" for sigma in sigmas]
        if self.filter == "wavelet":
            bands = product("LH", repeat=2 if self.settings["force2D"] else 3)
            return [f"{self.name}-{''.join(band)}" for band in bands]
        return [self.name]

    @property
    def columns(self) -> list[str]:
        """Names of the features."""
        return [
            f"{i}_{c}_{f}" for i in self.images for c in self.classes for f in class_features(c)
        ]

    @property
    def normalisation(self) -> str:
        """Text that is equal for sets that normalise the grey values of the CT in the same way."""
        return str([self.settings[k] for k in ("normalize", "normalizeScale", "removeOutliers")])

    def normalise(self, ct: sitk.Image) -> sitk.Image:
        """Scale a CT by the mean and standard deviation of the whole image, if the set does so."""
        if not self.settings["normalize"]:
            return ct
        return imageoperations.normalizeImage(ct, **self.settings)

    def crop(self, scan: Scan, lesion: int | None) -> Region | str:
        """Crop the region and the margin that a filter needs.

        Parameters
        ----------
        scan : Scan
            The patient's images.
        lesion : int or None
            Number of the lesion; None for the liver.

        Returns
        -------
        Region or str
            The crop, or the reason why there is none.
        """
        try:
            if self.region == "liver":
                return scan.liver(self.settings)
            if lesion is None:
                raise TypeError(f"the set {self.name} needs the number of a lesion")
            if self.region == "ring":
                return scan.ring(lesion, self.settings, self.width_mm)
            return scan.crop(lesion, self.settings, self._margin(scan))
        except ValueError as problem:
            return describe_exception(problem)

    def extract(self, region: Region | str, lesion: int | None) -> tuple[dict[str, float], str]:
        """Compute the features of a crop.

        Parameters
        ----------
        region : Region or str
            Result of `crop`.
        lesion : int or None
            Number of the lesion, from which the seed of `shuffle` is derived.

        Returns
        -------
        values : dict of str to float
            Features that are defined, by column.
        reason : str
            Why the other features are missing; empty if none is.
        """
        if isinstance(region, str):
            return {}, self._reason_text({region: ["all features"]})
        values: dict[str, float] = {}
        reasons: Reasons = {}
        missing = set(self.images)
        for image, filtered in self._filtered_images(self._shuffled(region, lesion)):
            image_values, image_reasons = region_features(filtered, self.settings, self.classes)
            values |= {f"{image}_{name}": value for name, value in image_values.items()}
            missing.remove(image)
            for reason, parts in image_reasons.items():
                names = parts if len(self.images) == 1 else [f"{image} {part}" for part in parts]
                reasons.setdefault(reason, []).extend(names)
        if missing:
            reasons["the lesion's surroundings are too small for the filter"] = sorted(missing)
        return values, self._reason_text(reasons)

    def _reason_text(self, reasons: Reasons) -> str:
        text = "; ".join(f"{', '.join(parts)}: {reason}" for reason, parts in reasons.items())
        return text if self.name == "original" or not text else f"{self.name}: {text}"

    def _margin(self, scan: Scan) -> int | np.ndarray:
        """Voxels (x, y, z) around a lesion that change its filtered grey values."""
        if self.filter == "log":
            reach_mm = LOG_REACH * max(self.sigma_mm)
            return np.ceil(reach_mm / np.array(scan.ct.GetSpacing())).astype(int)
        return WAVELET_REACH if self.filter == "wavelet" else 0

    def _shuffled(self, region: Region, lesion: int | None) -> Region:
        if not self.shuffle:
            return region
        image = region.image.copy()
        rng = np.random.default_rng(derive_seed(self.seed, "shuffled voxels", lesion))
        image[region.mask] = rng.permutation(image[region.mask])
        return replace(region, image=image)

    def _filtered_images(self, region: Region) -> Iterator[tuple[str, Region]]:
        """Prefix and region of each image of the filter."""
        if self.filter is None:
            yield self.name, region
            return
        filters = {"log": imageoperations.getLoGImage, "wavelet": imageoperations.getWaveletImage}
        options = self.settings | {"sigma": self.sigma_mm, "wavelet": self.wavelet}
        for image, name, _ in filters[self.filter](*region.images, **options):
            grey = sitk.GetArrayFromImage(image)
            yield f"{self.name}-{name.partition('-')[2]}", replace(region, image=grey)


def build_feature_sets(
    settings: dict, feature_classes: Sequence[str], sets: Mapping[str, dict] = ORIGINAL
) -> tuple[FeatureSet, ...]:
    """Build and check the feature sets of a configuration.

    Parameters
    ----------
    settings : dict
        Settings of pyradiomics that all sets share.
    feature_classes : sequence of str
        Feature classes of every set that names none itself. Filtered images, rings and the liver
        get the shape classes only if the set names them.
    sets : mapping of str to dict
        By the name of a set, the fields of `FeatureSet` that differ from the defaults. Its
        `settings` override the shared ones.

    Raises
    ------
    BadInput
        If a setting, class or name of a set is not valid.
    """
    return _build_feature_sets(json.dumps([settings, list(feature_classes), dict(sets)]))


@lru_cache(maxsize=8)  # pyradiomics' validation takes 30 ms
def _build_feature_sets(arguments: str) -> tuple[FeatureSet, ...]:
    settings, feature_classes, sets = json.loads(arguments)
    result = []
    for name, fields in sets.items():
        config_key = "radiomics" if name == "original" else f"radiomics.feature_sets.{name}"
        if not re.fullmatch("[a-z][a-z0-9]*", name) or name == "clinical":
            raise BadInput(
                f"radiomics.feature_sets: {name!r} cannot name a set: use small letters and "
                "digits, a letter first, and not `clinical`"
            )
        fields = dict(fields)
        without_shape = fields.get("filter") or fields.get("region", "lesion") != "lesion"
        chosen = fields.pop("classes", None) or [
            c for c in feature_classes if not (without_shape and c.startswith("shape"))
        ]
        full = full_settings(settings | (fields.pop("settings", None) or {}), config_key)
        if "sigma_mm" in fields:
            fields["sigma_mm"] = tuple(fields["sigma_mm"])
        if fields.get("filter") == "wavelet":
            _check_wavelet(fields.get("wavelet", FeatureSet.wavelet), config_key)
        classes_key = "feature_classes" if name == "original" else "classes"
        classes = _checked_classes(chosen, f"{config_key}.{classes_key}")
        result.append(FeatureSet(name, full, classes, **fields))
    return tuple(result)


def _check_wavelet(name: str, config_key: str) -> None:
    """Refuse a wavelet that PyWavelets does not have, with the nearest one that it has."""
    known = pywt.wavelist(kind="discrete")
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise BadInput(
            f"{config_key}.wavelet: {name!r} is no wavelet"
            + (f" (did you mean {near[0]}?)" if near else "")
            + ". Name one of PyWavelets, such as coif1, haar or db4"
        )


def _checked_classes(names: Sequence[str], config_key: str) -> tuple[str, ...]:
    """Feature classes without repeats; BadInput if there is none or an unknown one."""
    unknown = [name for name in names if name not in FEATURE_CLASSES]
    if unknown or not names:
        raise BadInput(
            f"{config_key}: {', '.join(map(str, unknown)) or 'empty'}. "
            f"Name one or more of {', '.join(FEATURE_CLASSES)}"
        )
    return tuple(dict.fromkeys(names))
