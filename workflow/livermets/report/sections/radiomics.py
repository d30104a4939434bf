"""The radiomics features in the report: what they are, their settings, how steady they are."""

from pathlib import Path

import pandas as pd
import yaml

from livermets.radiomics.icc import unstable_features
from livermets.report.sections.results import embed

NAMED = 20  # so many features are named one by one, more by their classes


def radiomics_facts(
    features: Path | str | None,
    dictionary: Path | str | None,
    robustness: tuple[Path | str, Path | str] | None = None,
    min_icc: float | None = None,
) -> dict | None:
    """What the template shows; None for a study that began with a features table.

    features : the study's features table, for its metadata
    dictionary : the table of `livermets.radiomics.dictionary`
    robustness : icc.parquet and the figure, where `min_icc` chose features
    """
    if features is None or dictionary is None:
        return None
    made_with = pd.read_parquet(features, columns=[]).attrs["radiomics"]
    table = pd.read_csv(dictionary, sep="\t", dtype=str, keep_default_na=False)
    kinds = table.groupby(["set", "region"], sort=False)
    apart = table[(table["comparable"] == "no")].groupby("why_not", sort=False)
    return {
        "sets": [
            {
                "name": name,
                "region": region,
                "images": ", ".join(dict.fromkeys(rows["image"])),
                "classes": ", ".join(dict.fromkeys(rows["class"])),
                "features": len(rows),
            }
            for (name, region), rows in kinds
        ],
        "n": len(table),
        "n_comparable": int((table["comparable"] == "yes").sum()),
        "apart": [{"why": why, "n": len(rows), "features": _names(rows)} for why, rows in apart],
        "settings": yaml.safe_dump(
            {key: made_with[key] for key in ("settings", "classes", "sets")}, sort_keys=False
        ),
        "versions": made_with["versions"],
        "sha256": made_with["sha256"],
        "robustness": _robustness(*robustness, min_icc) if robustness else None,
    }


def _names(rows: pd.DataFrame) -> str:
    """The features without their sets, or the sets and classes of many."""
    names = rows["class"] + "_" + rows["name"]
    if names.nunique() <= NAMED:
        return ", ".join(dict.fromkeys(names))
    sets, classes = (", ".join(dict.fromkeys(rows[column])) for column in ("set", "class"))
    return f"{sets}: all of {classes}"


def _robustness(icc: Path | str, figure: Path | str, min_icc: float) -> dict:
    table = pd.read_parquet(icc)
    left_out = unstable_features(table, min_icc)
    counts = [len(left_out.get(split, ())) for split in table["split"].unique()]
    return {
        "min_icc": min_icc,
        "of": table["feature"].nunique(),
        "least": min(counts),
        "most": max(counts),
        "lesions": (int(table["lesions"].min()), int(table["lesions"].max())),
        "figure": embed(Path(figure)),
    }
