"""Dictionary of the radiomics columns: class, meaning, unit and IBSI tag of each feature."""

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from livermets.core.io import atomic_path
from livermets.radiomics import ibsi
from livermets.radiomics.feature_sets import FeatureSet
from livermets.radiomics.lazy_pyradiomics import PYRADIOMICS_CLASSES

COLUMNS = (
    "feature",
    "set",
    "region",
    "image",
    "class",
    "name",
    "meaning",
    "unit",
    "ibsi_tag",
    "comparable",
    "why_not",
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


def write_dictionary(
    sets: Iterable[FeatureSet], features: str | Path, ibsi_tags: str | Path
) -> None:
    """Write the dictionary of the features and the table of all IBSI tags, as TSV."""
    _write_tsv(features, COLUMNS, dictionary_rows(sets))
    _write_tsv(ibsi_tags, ibsi.COLUMNS, ibsi.tag_rows())


def _write_tsv(path: str | Path, columns: tuple[str, ...], rows: Iterable[dict[str, str]]) -> None:
    with atomic_path(path) as unfinished, open(unfinished, "w", newline="", encoding="utf-8") as f:
        table = csv.DictWriter(f, columns, delimiter="\t", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def dictionary_rows(sets: Iterable[FeatureSet]) -> Iterator[dict[str, str]]:
    """Describe each radiomics column of the table of features, as rows of `COLUMNS`."""
    for feature_set in sets:
        for image in feature_set.images:
            for column in feature_set.columns:
                if column.startswith(f"{image}_"):
                    yield _row(feature_set, image, column)


def _row(feature_set: FeatureSet, image: str, column: str) -> dict[str, str]:
    feature_class, feature = column.removeprefix(f"{image}_").split("_")
    reason = _difference(feature_set, feature_class, feature)
    grey_unit = "HU" if feature_set.filter is None else "response"
    return {
        "feature": column,
        "set": feature_set.name,
        "region": feature_set.region,
        "image": _image_title(feature_set, image),
        "class": feature_class,
        "name": feature,
        "meaning": meaning(feature_class, feature),
        "unit": unit(feature_class, feature, grey_unit),
        "ibsi_tag": ibsi.tag_of(f"{feature_class}_{feature}", feature_set.settings),
        "comparable": "no" if reason else "yes",
        "why_not": reason,
    }


def _image_title(feature_set: FeatureSet, image: str) -> str:
    title = {
        None: "CT",
        "log": f"Laplacian of Gaussian, {image.removeprefix(feature_set.name + '-')}",
        "wavelet": f"{feature_set.wavelet} wavelet, {image.rpartition('-')[2]}",
    }[feature_set.filter]
    return f"{title}, voxels shuffled" if feature_set.shuffle else title


def _difference(feature_set: FeatureSet, feature_class: str, feature: str) -> str:
    """Why the feature differs from its IBSI tag; "" if it does not."""
    if feature_set.shuffle and not feature_class.startswith("shape"):
        return "a control: the voxels are shuffled"
    if feature_set.filter:
        return "pyradiomics' filters are not those of IBSI's second chapter"
    if feature_set.settings["normalize"] and not feature_class.startswith("shape"):
        return "grey values are normalised"
    if feature_class == "shape2D":
        return SHAPE_2D
    return ibsi.difference(f"{feature_class}_{feature}", feature_set.settings)


def unit(feature_class: str, feature: str, grey_unit: str = "HU") -> str:
    """Find the unit of a feature of an image with this unit of grey; "1" if it has none."""
    for unit_name, features in _UNITS.get(feature_class, {}).items():
        if feature in features.split():
            return unit_name.replace("HU", grey_unit)
    return "1"


def meaning(feature_class: str, feature: str) -> str:
    """Describe a feature by its title and, if it is a plain sentence, pyradiomics' explanation."""
    text = getattr(PYRADIOMICS_CLASSES[feature_class], f"get{feature}FeatureValue").__doc__
    title, *parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))
    title = re.sub(r"^\*\*\d+\.\s*|\*\*$", "", title)
    for part in parts:
        first = part.split(". ")[0].rstrip(".")
        if re.match(r"[A-Z]", first) and not re.match(
            r"Here|Where|Note|However|The principal|.*([\\=`]|:math)", first
        ):
            return f"{title}: {first}"
    return title
