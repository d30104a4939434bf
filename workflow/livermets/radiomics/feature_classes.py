"""Feature classes of pyradiomics, with their preparation shared between them.

The values come from the methods of pyradiomics 3.0.1. There, six classes discretise the same
voxels, each class lists its features by inspection, and shape copies the mask through ITK. Here
this is done once for all of them.
"""

import logging
import sys
import warnings
from functools import cache
from typing import Any

import numpy as np

from livermets.radiomics.lazy_pyradiomics import PYRADIOMICS_CLASSES, imageoperations
from livermets.radiomics.mesh import measure_mesh
from livermets.radiomics.regions import VIEWS, Region, checked_box, grey_region
from livermets.radiomics.settings import DEFAULT_BIN_WIDTH

MATRICES = ("glcm", "glrlm", "glszm", "gldm", "ngtdm")
FEATURE_CLASSES = ("firstorder", "shape", "shape2D", *MATRICES)
# pyradiomics and NumPy raise these for a lesion that is too small or too unusual for a feature
# (LinAlgError is a ValueError), and for bins so narrow that their matrix does not fit into memory.
# Any other exception is a fault of the installation and is raised.
NOT_COMPUTABLE = (ValueError, ArithmeticError, MemoryError)
NEIGHBOURS = ("glcm", "gldm", "ngtdm")  # classes that compare voxels at `distances`
MOST_LEVELS = 2000  # the matrices of a GLCM then have 2000² x 13 directions x 8 bytes: 0.4 GB
MOST_BINS = 1_000_000  # whose edges are listed before the empty ones are left out
LARGEST = float(np.finfo(np.float32).max)  # classifiers calculate with float32
TOO_LARGE = f"larger than {LARGEST:.1e}, which classifiers cannot hold"
Levels = tuple[np.ndarray, np.ndarray]  # binned image and the grey levels in it
Reasons = dict[str, list[str]]  # reason: the classes and features that are missing for it


def region_features(
    region: Region, settings: dict, classes: tuple[str, ...]
) -> tuple[dict, Reasons]:
    """Compute the features of a region.

    Parameters
    ----------
    region : Region
        Grey values and mask.
    settings : dict
        All settings of pyradiomics.
    classes : tuple of str
        Some of `FEATURE_CLASSES`.

    Returns
    -------
    values : dict of str to float
        Features that are defined, by "<class>_<Feature>".
    reasons : dict of str to list of str
        Why the other features are missing.
    """
    values: dict[str, float] = {}
    reasons: Reasons = {}
    try:
        checked_box(region.mask, settings)
    except NOT_COMPUTABLE as problem:
        return {}, {describe_exception(problem): ["all features"]}
    view_region = cache(lambda view: view(region, settings))
    levels = cache(lambda: discretise(view_region(grey_region), settings))
    for name in classes:
        try:
            class_region = view_region(VIEWS.get(name, grey_region))
            binned = None if name in VIEWS else levels()
            _refuse_immeasurable(name, class_region, binned, settings)
            class_values, problems = _calculate(name, class_region, binned, settings)
        except NOT_COMPUTABLE as problem:
            reasons.setdefault(describe_exception(problem), []).append(name)
            continue
        if large := [f for f, v in class_values.items() if LARGEST < abs(v) < np.inf]:
            reasons.setdefault(TOO_LARGE, []).append(f"{name} ({', '.join(large)})")
        values |= {f"{name}_{f}": v for f, v in class_values.items() if abs(v) <= LARGEST}
        if missing := [f for f, v in class_values.items() if not np.isfinite(v)]:
            texts = dict.fromkeys(map(describe_exception, problems))
            reason = "; ".join(texts) or "not defined for this lesion"
            features = "" if len(missing) == len(class_values) else f" ({', '.join(missing)})"
            reasons.setdefault(reason, []).append(name + features)
    return values, reasons


def describe_exception(problem: BaseException) -> str:
    """Describe an exception in one line: its type and message."""
    if isinstance(problem, MemoryError):
        return "MemoryError: the grey levels are more than fit into memory (widen binWidth)"
    return f"{type(problem).__name__}: {' '.join(map(str, problem.args))}"


@cache
def class_features(name: str) -> tuple[str, ...]:
    """List the features of a class in pyradiomics' order, without the deprecated ones."""
    names = PYRADIOMICS_CLASSES[name].getFeatureNames()
    return tuple(feature for feature, deprecated in names.items() if not deprecated)


def _refuse_immeasurable(name: str, region: Region, levels: Levels | None, settings: dict) -> None:
    """Refuse matrices that are too large, and neighbours that are beyond the lesion.

    Raises
    ------
    ValueError
        Where pyradiomics would ask for more memory than there is or find no pair of voxels.
    """
    if name in MATRICES and levels is not None and levels[1].max() > MOST_LEVELS:
        raise ValueError(
            f"{levels[1].max()} grey levels, more than {MOST_LEVELS} (widen binWidth, or set "
            "resegmentRange)"
        )
    if name in NEIGHBOURS:
        size = list(region.mask.shape)
        if settings["force2D"]:
            del size[settings["force2Ddimension"]]
        if min(settings["distances"]) >= max(size):
            raise ValueError(
                f"distances {settings['distances']} reach beyond the lesion, which is at most "
                f"{max(size)} voxels long"
            )


def discretise(region: Region, settings: dict) -> Levels:
    """Bin grey values as pyradiomics does: the image (0 outside the mask) and its grey levels.

    Raises
    ------
    ValueError
        If there are more than `MOST_BINS` bins, or a grey value is not finite.
    """
    inside = region.image[region.mask]
    if not np.isfinite(inside).all():
        raise ValueError("a voxel of the lesion has no finite grey value")
    width = settings.get("binWidth", DEFAULT_BIN_WIDTH)
    bins = settings.get("binCount") or np.ptp(inside.astype(float)) / width
    if bins > MOST_BINS:
        raise ValueError(f"{bins:.2g} bins, more than {MOST_BINS:,} (widen binWidth)")
    # The edges depend on the extremes alone, for which pyradiomics would search voxel by voxel.
    extremes = inside[[inside.argmin(), inside.argmax()]]
    binned = np.zeros(region.image.shape, int)
    binned[region.mask] = np.digitize(inside, imageoperations.getBinEdges(extremes, **settings))
    return binned, np.unique(binned[region.mask])


class _SharedPreparation:
    """Mixin before a class of pyradiomics that takes mask and bins from its settings."""

    pyradiomics_class: type
    settings: dict[str, Any]
    coefficients: dict[str, Any]
    maskArray: np.ndarray  # noqa: N815

    @classmethod
    def getFeatureNames(cls) -> dict[str, bool]:  # noqa: N802
        return _feature_names(cls.pyradiomics_class)

    def _initSegmentBasedCalculation(self) -> None:  # noqa: N802
        self.maskArray = self.settings["region"].mask

    def _applyBinning(self, matrix: np.ndarray) -> np.ndarray:  # noqa: N802
        binned, levels = self.settings["levels"]
        self.coefficients |= {"grayLevels": levels, "Ng": int(levels.max())}
        return binned


class _SharedShape(_SharedPreparation):
    """3-D shape, with the mask padded here and the mesh measured by `measure_mesh`."""

    def _initSegmentBasedCalculation(self) -> None:  # noqa: N802
        region = self.settings["region"]
        self.pixelSpacing = np.array(region.spacing[::-1])
        self.maskArray = np.pad(region.mask, 1)
        self.labelledVoxelCoordinates = np.where(self.maskArray)
        mesh = measure_mesh(self.maskArray, self.pixelSpacing)
        self.SurfaceArea, self.Volume, self.diameters = mesh
        positions = np.array(self.labelledVoxelCoordinates).T * self.pixelSpacing[None, :]
        positions -= np.mean(positions, axis=0)
        positions /= np.sqrt(len(positions))
        values = np.linalg.eigvals(np.dot(positions.T.copy(), positions))
        values[(values < 0) & (values > -1e-10)] = 0  # of flat lesions
        self.eigenValues = np.sort(values)


class _OwnSlicePreparation(_SharedPreparation):
    """2-D shape, which pyradiomics prepares itself, on one slice."""

    def _initSegmentBasedCalculation(self) -> None:  # noqa: N802
        pyradiomics: Any = super(_SharedPreparation, self)
        pyradiomics._initSegmentBasedCalculation()


@cache
def _feature_names(pyradiomics_class: Any) -> dict[str, bool]:
    """Features of a class and whether each is deprecated; a slow inspection in pyradiomics."""
    names: dict[str, bool] = pyradiomics_class.getFeatureNames()
    return names


@cache
def _class_with_preparation(name: str) -> type:
    mixins = {"shape": _SharedShape, "shape2D": _OwnSlicePreparation}
    mixin = mixins.get(name, _SharedPreparation)
    pyradiomics_class = PYRADIOMICS_CLASSES[name]
    # pyradiomics names the logger of a class by its module.
    attributes = {
        "pyradiomics_class": pyradiomics_class,
        "__module__": pyradiomics_class.__module__,
    }
    return type(pyradiomics_class.__name__, (mixin, pyradiomics_class), attributes)


def _calculate(
    name: str, region: Region, levels: Levels | None, settings: dict
) -> tuple[dict[str, float], list[BaseException]]:
    """Values of one class, and the exceptions that pyradiomics turned into NaN."""
    if name == "shape2D":
        settings = settings | {"force2D": True, "force2Ddimension": region.axial}
    failures = _Failures()
    logger = logging.getLogger(f"radiomics.{name}")
    logger.addHandler(failures)
    try:
        with warnings.catch_warnings():  # mean of nothing, 0 / 0: the NaN shows it
            warnings.simplefilter("ignore", RuntimeWarning)
            calculator = _class_with_preparation(name)(
                *region.images, region=region, levels=levels, **settings
            )
            values = calculator.execute()
    finally:
        logger.removeHandler(failures)
    for problem in failures.problems:
        if not isinstance(problem, NOT_COMPUTABLE):
            raise problem
    # glcm's MCC comes with an imaginary part of 0 if its matrix is symmetric except for rounding.
    return {f: float(np.real(value)) for f, value in values.items()}, failures.problems


class _Failures(logging.Handler):
    """Log handler that collects the exceptions which pyradiomics catches and turns into NaN."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.problems: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception that is being handled."""
        if problem := sys.exc_info()[1]:
            self.problems.append(problem)
