"""The radiomics features: feature sets, settings, comparability and robustness."""

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from livermets.radiomics.icc import unstable_features
from livermets.report.page_figure import page_figure
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults

NAMED = 20  # at most so many features are listed by name, more by their classes


def context(results: StudyResults) -> dict[str, Any] | None:
    """The values of the section; None for a study that started from a feature table."""
    if results.features is None or results.dictionary is None:
        return None
    robustness = None
    if results.icc is not None:
        figure = None if results.icc_figure is None else page_figure(results.icc_figure, results)
        min_icc = results.config["radiomics"]["min_icc"]
        robustness = icc_summary(results.icc, min_icc) | {"figure": figure}
    return feature_summary(results.features, results.dictionary) | {"robustness": robustness}


def feature_summary(features: Path, dictionary: pd.DataFrame) -> dict[str, Any]:
    """Numbers of features by set and by comparability, and the settings of the extraction.

    Parameters
    ----------
    features : Path
        The file of the features table; only its metadata are read.
    dictionary : DataFrame
        The table of `livermets.radiomics.dictionary`.

    Returns
    -------
    dict
        sets, n, n_comparable, not_comparable, settings (YAML), versions, sha256.
    """
    metadata = pd.read_parquet(features, columns=[]).attrs["radiomics"]
    not_comparable = dictionary[dictionary["comparable"] == "no"]
    settings = {key: metadata[key] for key in ("settings", "classes", "sets")}
    return {
        "sets": [
            {
                "name": name,
                "region": region,
                "images": ", ".join(dict.fromkeys(rows["image"])),
                "classes": ", ".join(dict.fromkeys(rows["class"])),
                "features": len(rows),
            }
            for (name, region), rows in dictionary.groupby(["set", "region"], sort=False)
        ],
        "n": len(dictionary),
        "n_comparable": int((dictionary["comparable"] == "yes").sum()),
        "not_comparable": [
            {"reason": reason, "n": len(rows), "features": _names(rows)}
            for reason, rows in not_comparable.groupby("why_not", sort=False)
        ],
        "settings": yaml.safe_dump(settings, sort_keys=False),
        "versions": metadata["versions"],
        "sha256": metadata["sha256"],
    }


def _names(rows: pd.DataFrame) -> str:
    """The names of features without their sets; of many features, the sets and classes."""
    names = rows["class"] + "_" + rows["name"]
    if names.nunique() <= NAMED:
        return ", ".join(dict.fromkeys(names))
    sets, classes = (", ".join(dict.fromkeys(rows[column])) for column in ("set", "class"))
    return f"{sets}: {names.nunique()} of {classes}"


def icc_summary(icc: pd.DataFrame, min_icc: float) -> dict[str, Any]:
    """Numbers of features that the minimum ICC excluded.

    Parameters
    ----------
    icc : DataFrame
        The ICC of each feature among the training patients of each split.
    min_icc : float
        The minimum ICC.

    Returns
    -------
    dict
        min_icc, of (number of features), least and most (excluded in a split), lesions (smallest
        and largest number in a split).
    """
    excluded = unstable_features(icc, min_icc)
    counts = [len(excluded.get(split, ())) for split in icc["split"].unique()]
    return {
        "min_icc": min_icc,
        "of": icc["feature"].nunique(),
        "least": min(counts),
        "most": max(counts),
        "lesions": (int(icc["lesions"].min()), int(icc["lesions"].max())),
    }


SECTION = Section(
    "radiomics",
    "Radiomics features",
    "radiomics.html.j2",
    context,
    needs=("features", "dictionary"),
)
