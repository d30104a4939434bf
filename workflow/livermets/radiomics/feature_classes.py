"""pyradiomics' feature classes, without what each of them does anew for every lesion.

The values come from the methods of pyradiomics 3.0.1. But six of its classes discretise the same
voxels, all list their features by inspection and shape copies the mask through ITK; here that is
done once.
"""

import logging
import sys
import warnings
from functools import cache

import numpy as np

from livermets.radiomics.lazy_pyradiomics import feature_classes, imageoperations
from livermets.radiomics.mesh import surface
from livermets.radiomics.regions import VIEWS, Region, checked_box, grey_region

CLASSES = ("firstorder", "shape", "shape2D", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
# What pyradiomics and NumPy raise when a lesion is too small or too odd for a feature
# (LinAlgError is a ValueError). Anything else is a fault of the installation and is not hidden.
REFUSALS = (ValueError, ArithmeticError)
Reasons = dict[str, list[str]]  # why -> the classes and features it befell


def region_features(
    region: Region, settings: dict, classes: tuple[str, ...]
) -> tuple[dict, Reasons]:
    """`{"<class>_<Feature>": value}` of a region, what is not defined left out, and why it is."""
    values: dict[str, float] = {}
    reasons: Reasons = {}
    try:
        checked_box(region.mask, settings)
    except REFUSALS as problem:
        return {}, {why(problem): ["all features"]}
    seen = cache(lambda view: view(region, settings))
    levels = cache(lambda: discretised(seen(grey_region), settings))
    for name in classes:
        try:
            here = seen(VIEWS.get(name, grey_region))
            found, problems = _calculate(name, here, None if name in VIEWS else levels(), settings)
        except REFUSALS as problem:
            reasons.setdefault(why(problem), []).append(name)
            continue
        values |= {f"{name}_{f}": v for f, v in found.items() if np.isfinite(v)}
        if missing := [f for f, v in found.items() if not np.isfinite(v)]:
            text = "; ".join(dict.fromkeys(map(why, problems))) or "not defined for this lesion"
            which = "" if len(missing) == len(found) else f" ({', '.join(missing)})"
            reasons.setdefault(text, []).append(name + which)
    return values, reasons


def why(problem: BaseException) -> str:
    """An exception in one line."""
    return f"{type(problem).__name__}: {' '.join(map(str, problem.args))}"


@cache
def class_features(name: str) -> tuple[str, ...]:
    """The features of a class, in pyradiomics' order, without those it deprecates."""
    names = feature_classes[name].getFeatureNames()
    return tuple(feature for feature, deprecated in names.items() if not deprecated)


def discretised(region: Region, settings: dict) -> tuple[np.ndarray, np.ndarray]:
    """The binned image (0 outside the mask) and the grey levels in it, as pyradiomics bins."""
    inside = region.image[region.mask]
    # The edges depend on the extremes alone, and pyradiomics looks for those voxel by voxel.
    extremes = inside[[inside.argmin(), inside.argmax()]]
    binned = np.zeros(region.image.shape, int)
    binned[region.mask] = np.digitize(inside, imageoperations.getBinEdges(extremes, **settings))
    return binned, np.unique(binned[region.mask])


class _Prepared:
    """Mixin before a class of pyradiomics: mask and bins come ready-made in its settings."""

    @classmethod
    def getFeatureNames(cls) -> dict:
        return _names(cls.pyradiomics)

    def _initSegmentBasedCalculation(self) -> None:
        self.maskArray = self.settings["region"].mask

    def _applyBinning(self, matrix: np.ndarray) -> np.ndarray:
        binned, levels = self.settings["levels"]
        self.coefficients |= {"grayLevels": levels, "Ng": int(levels.max())}
        return binned


class _PreparedShape(_Prepared):
    """3-D shape, with the mask padded here and the mesh measured by `radiomics_mesh`."""

    def _initSegmentBasedCalculation(self) -> None:
        region = self.settings["region"]
        self.pixelSpacing = np.array(region.spacing[::-1])
        self.maskArray = np.pad(region.mask, 1)
        self.labelledVoxelCoordinates = np.where(self.maskArray)
        self.SurfaceArea, self.Volume, self.diameters = surface(self.maskArray, self.pixelSpacing)
        where = np.array(self.labelledVoxelCoordinates).T * self.pixelSpacing[None, :]
        where -= np.mean(where, axis=0)
        where /= np.sqrt(len(where))
        values = np.linalg.eigvals(np.dot(where.T.copy(), where))
        values[(values < 0) & (values > -1e-10)] = 0  # of flat lesions
        self.eigenValues = np.sort(values)


class _PreparedSlice(_Prepared):
    """2-D shape: pyradiomics' own set-up, on one slice."""

    def _initSegmentBasedCalculation(self) -> None:
        super(_Prepared, self)._initSegmentBasedCalculation()


@cache
def _names(pyradiomics_class: type) -> dict:
    return pyradiomics_class.getFeatureNames()


@cache
def _prepared(name: str) -> type:
    first = {"shape": _PreparedShape, "shape2D": _PreparedSlice}.get(name, _Prepared)
    whole = feature_classes[name]
    # pyradiomics names a class's logger by its module.
    more = {"pyradiomics": whole, "__module__": whole.__module__}
    return type(whole.__name__, (first, whole), more)


def _calculate(
    name: str, region: Region, levels: tuple | None, settings: dict
) -> tuple[dict[str, float], list[BaseException]]:
    """A class's values and the exceptions pyradiomics turned into NaN."""
    if name == "shape2D":
        settings = settings | {"force2D": True, "force2Ddimension": region.axial}
    failures = _Failures()
    logger = logging.getLogger(f"radiomics.{name}")
    logger.addHandler(failures)
    try:
        with warnings.catch_warnings():  # means of nothing, 0 / 0: NaN says it
            warnings.simplefilter("ignore", RuntimeWarning)
            made = _prepared(name)(*region.images, region=region, levels=levels, **settings)
            found = made.execute()
    finally:
        logger.removeHandler(failures)
    for problem in failures.problems:
        if not isinstance(problem, REFUSALS):
            raise problem
    # Of a matrix that is symmetric but for rounding, glcm's MCC may come with an imaginary nothing.
    return {f: float(np.real(value)) for f, value in found.items()}, failures.problems


class _Failures(logging.Handler):
    """Collects the exceptions that pyradiomics catches, logs and answers with NaN."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.problems: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if problem := sys.exc_info()[1]:
            self.problems.append(problem)
