"""What each radiomics column means: class, unit, IBSI tag, and whether it is comparable."""

import re
from collections.abc import Iterable, Iterator

from livermets.radiomics.feature_sets import FeatureSet
from livermets.radiomics.ibsi import difference, tag_of
from livermets.radiomics.lazy_pyradiomics import feature_classes

COLUMNS = (
    *("feature", "set", "region", "image", "class", "name", "meaning", "unit"),
    *("ibsi_tag", "comparable", "why_not"),
)

SHAPE_2D = "of the lesion's largest axial slice; IBSI defines shape in 3-D alone"
_UNITS = {
    "firstorder": {
        "HU": "10Percentile 90Percentile InterquartileRange Maximum Mean MeanAbsoluteDeviation "
        "Median Minimum Range RobustMeanAbsoluteDeviation RootMeanSquared",
        "HU²": "Energy Variance",
        "HU² mm³": "TotalEnergy",
        "bit": "Entropy",
    },
    "shape": {
        "mm": "LeastAxisLength MajorAxisLength MinorAxisLength Maximum2DDiameterColumn "
        "Maximum2DDiameterRow Maximum2DDiameterSlice Maximum3DDiameter",
        "mm²": "SurfaceArea",
        "mm³": "MeshVolume VoxelVolume",
        "1/mm": "SurfaceVolumeRatio",
    },
    "shape2D": {
        "mm": "MajorAxisLength MinorAxisLength MaximumDiameter Perimeter",
        "mm²": "MeshSurface PixelSurface",
        "1/mm": "PerimeterSurfaceRatio",
    },
}


def dictionary(sets: Iterable[FeatureSet]) -> Iterator[dict[str, str]]:
    """One row (`COLUMNS`) for each column of the features table that radiomics fills."""
    for chosen in sets:
        for image in chosen.images:
            for column in chosen.columns:
                if column.startswith(f"{image}_"):
                    yield _row(chosen, image, column)


def _row(chosen: FeatureSet, image: str, column: str) -> dict[str, str]:
    name, feature = column.removeprefix(f"{image}_").split("_")
    reason = _why_not(chosen, name, feature)
    return {
        "feature": column,
        "set": chosen.name,
        "region": chosen.region,
        "image": _image(chosen, image),
        "class": name,
        "name": feature,
        "meaning": meaning(name, feature),
        "unit": unit(name, feature) if chosen.filter is None else unit(name, feature, "response"),
        "ibsi_tag": tag_of(f"{name}_{feature}", chosen.settings),
        "comparable": "no" if reason else "yes",
        "why_not": reason,
    }


def _image(chosen: FeatureSet, image: str) -> str:
    grey = {
        None: "CT",
        "log": f"Laplacian of Gaussian, {image.removeprefix(chosen.name + '-')}",
        "wavelet": f"{chosen.wavelet} wavelet, {image.rpartition('-')[2]}",
    }[chosen.filter]
    return f"{grey}, voxels shuffled" if chosen.shuffle else grey


def _why_not(chosen: FeatureSet, name: str, feature: str) -> str:
    if chosen.shuffle and not name.startswith("shape"):
        return "a control: the voxels are shuffled"
    if chosen.filter:
        return "pyradiomics' filters are not those of IBSI's second chapter"
    if chosen.settings["normalize"] and not name.startswith("shape"):
        return "grey values are normalised"
    if name == "shape2D":
        return SHAPE_2D
    return difference(f"{name}_{feature}", chosen.settings)


def unit(name: str, feature: str, grey: str = "HU") -> str:
    """The unit of a feature whose image has the unit `grey`; "1" where it has none."""
    for found, features in _UNITS.get(name, {}).items():
        if feature in features.split():
            return found.replace("HU", grey)
    return "1"


def meaning(name: str, feature: str) -> str:
    """A feature's title and, where it says so in plain words, pyradiomics' explanation."""
    text = getattr(feature_classes[name], f"get{feature}FeatureValue").__doc__
    title, *parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))
    title = re.sub(r"^\*\*\d+\.\s*|\*\*$", "", title)
    for part in parts:
        first = part.split(". ")[0].rstrip(".")
        if re.match(r"[A-Z]", first) and not re.match(
            r"Here|Where|Note|However|The principal|.*([\\=`]|:math)", first
        ):
            return f"{title}: {first}"
    return title
