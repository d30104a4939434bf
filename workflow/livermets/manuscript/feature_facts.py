"""Facts of the radiomics features for the methods section, with the words of IBSI."""

from typing import Any

from livermets.manuscript.run_files import RunFiles
from livermets.manuscript.wording import counted, enumerate_words

CLASSES = {
    "firstorder": "intensity-based statistics and intensity histogram",
    "shape": "morphology",
    "shape2D": "morphology in two dimensions",
    "glcm": "grey level co-occurrence matrix",
    "glrlm": "grey level run length matrix",
    "glszm": "grey level size zone matrix",
    "gldm": "neighbouring grey level dependence matrix",
    "ngtdm": "neighbourhood grey tone difference matrix",
}  # pyradiomics' class -> IBSI's family
DEFAULT_BIN_WIDTH = 25  # HU, of pyradiomics


def feature_facts(run: RunFiles) -> dict[str, Any]:
    """Collect features by family, discretisation, interpolation, filters and IBSI tags."""
    dictionary = run.table("radiomics_dictionary.tsv")
    radiomics = run.config["radiomics"]
    if not run.from_images or dictionary is None:
        table = run.features
        return {
            "known": False,
            "own_table": not run.from_images,
            "lesions": None if table is None else counted(len(table), "lesion"),
        }
    if run.features is not None:
        dictionary = dictionary[dictionary["feature"].isin(run.features.columns)]
    counts = dictionary["class"].value_counts()
    comparable = dictionary["ibsi_tag"].notna() & (dictionary["comparable"] == "yes")
    settings = radiomics["settings"]
    return {
        "known": True,
        "own_table": False,
        "version": run.radiomics_metadata.get("versions", {}).get("pyradiomics", ""),
        "n": counted(len(dictionary), "feature"),
        "families": enumerate_words(
            f"{CLASSES[name]} ({counts[name]})" for name in CLASSES if name in counts
        ),
        "comparable": int(comparable.sum()),
        "deviating": int((dictionary["comparable"] == "no").sum()),
        "discretisation": discretisation(settings),
        "interpolation": interpolation(settings),
        "resegmentation": resegmentation(settings),
        "filters": _filters(radiomics["feature_sets"]),
        "further": {key: value for key, value in settings.items() if key not in _NAMED},
        "min_icc": radiomics["min_icc"],
    }


_NAMED = ("binWidth", "binCount", "resampledPixelSpacing", "interpolator", "resegmentRange")


def discretisation(settings: dict[str, Any]) -> str:
    """Say how grey levels are discretised, in IBSI's words.

    >>> discretisation({"binCount": 32})
    'a fixed bin number of 32'
    """
    if settings.get("binCount"):
        return f"a fixed bin number of {settings['binCount']}"
    width = settings.get("binWidth", DEFAULT_BIN_WIDTH)
    return f"a fixed bin size of {width:g} HU, with bin edges at multiples of the bin size"


def interpolation(settings: dict[str, Any]) -> str:
    """Say whether images were resampled before extraction, and how."""
    spacing = settings.get("resampledPixelSpacing")
    if not spacing:
        return "Images were not interpolated: features were taken on the grid of the scanner."
    kernel = settings.get("interpolator", "sitkBSpline").removeprefix("sitk")
    size = " × ".join("original" if not step else f"{step:g}" for step in spacing)
    return (
        f"Images were interpolated to {size} mm ({kernel}), masks by nearest neighbour, before "
        "extraction."
    )


def resegmentation(settings: dict[str, Any]) -> str:
    """Say whether voxels of a lesion were left out by their value."""
    limits = settings.get("resegmentRange")
    if not limits:
        return "Intensity masks were not re-segmented."
    return f"Intensity masks were re-segmented to {enumerate_words(limits)} HU."


def _filters(sets: dict[str, dict[str, Any]]) -> list[str]:
    """Describe each feature set that is more than the plain lesion."""
    words = []
    for name, chosen in sets.items():
        parts = []
        if chosen.get("filter") == "log":
            sigmas = enumerate_words(f"{sigma:g}" for sigma in chosen.get("sigma_mm", []))
            parts.append(f"Laplacian of Gaussian filter with σ of {sigmas} mm")
        if chosen.get("filter") == "wavelet":
            parts.append(f"wavelet filter ({chosen.get('wavelet', 'coif1')})")
        if chosen.get("region") == "ring":
            parts.append(f"liver within {chosen.get('width_mm', 0):g} mm around the lesion")
        if chosen.get("region") == "liver":
            parts.append("liver without lesions")
        if chosen.get("shuffle"):
            parts.append("the voxels of each lesion permuted, as a control without texture")
        if parts:
            words.append(f"{name}: {', '.join(parts)}")
    return words
