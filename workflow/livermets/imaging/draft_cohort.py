"""Drafts a cohort sheet from a folder tree of DICOM exports: `make cohort DICOM=...`.

`config/series.tsv` lists every series with a verdict; one is chosen for each patient. A person may
overrule it there (`use`, `patient`) and draft the sheet again without the tree. Patients become
P001, P002 ...; the paths are the only link back to them. Beyond those, only the acquisition of a
series is written, no other header value.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from livermets.core.errors import BadInput
from livermets.core.io import write_table, write_text
from livermets.imaging.draft_headers import read_tree
from livermets.imaging.draft_series import SERIES_COLUMNS, draft_series
from livermets.imaging.draft_sheet import DO_NOT_USE, USE, choose_series, draft_sheet, keep_cells
from livermets.study.cohort_sheet import UNSURE
from livermets.study.config import load_config
from livermets.study.table_file import read_table_file

RECIPE = Path(__file__).parents[3] / "config/recipes/leuven.yaml"  # of a new study


def draft_cohort(
    folder: Path, criteria: Mapping[str, Any], resample_tilt: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draft the cohort sheet of a folder tree of DICOM exports.

    Parameters
    ----------
    folder : Path
        The folder, searched with its subfolders.
    criteria : mapping
        `imaging: inclusion` of the configuration.
    resample_tilt : bool
        `imaging: resample_tilt` of the configuration.

    Returns
    -------
    sheet : DataFrame
        See `draft_sheet`.
    series : DataFrame
        See `draft_series`.
    """
    series = draft_series(read_tree(folder), criteria, resample_tilt)
    return draft_sheet(series), series


def _read_tsv(path: Path) -> pd.DataFrame:
    """A table as text, "" for an empty cell."""
    return read_table_file(path, "series", comment="#").reset_index(drop=True)


def _draft(study: Path, dicom: Path | None) -> None:
    """Write the tables of a study, from the tree or from the table of series that is there."""
    folder = study / "config"
    config, listed = folder / "config.yaml", folder / "series.tsv"
    earlier = _read_tsv(listed) if listed.exists() else None
    if earlier is not None and not set(SERIES_COLUMNS) <= set(earlier):
        raise BadInput(
            f"{listed} has not the columns of this version ({', '.join(SERIES_COLUMNS)}); remove "
            "it and draft again from the tree."
        )
    if dicom is not None:
        series = _series_below(dicom, config, earlier)
    elif earlier is None:
        raise BadInput(
            f"{listed} does not exist; name the folder of the exports: make cohort "
            f"DICOM=/path/to/exports STUDY={study}"
        )
    else:
        series = earlier.assign(chosen=choose_series(earlier))
    sheet = draft_sheet(series)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "patients.tsv"
    if target.exists():
        sheet = keep_cells(sheet, series, _read_tsv(target))
        target = folder / "patients.draft.tsv"
    write_table(listed, series)
    write_table(target, sheet)
    print(*_summary(sheet, series, target, listed), sep="\n")
    if not config.exists():
        write_text(config, RECIPE.read_text(encoding="utf-8"))
        print(f"{config} names a segmentation model (27 MB), which the first run has pip download.")
    print(*_what_to_do(study, target, _read_config(config)["classes"]), sep="\n")


def _read_config(config: Path) -> dict[str, Any]:
    """The configuration of the study; the defaults where it has none yet."""
    given = yaml.safe_load(config.read_text(encoding="utf-8")) if config.exists() else {}
    return load_config(given or {})


def _series_below(dicom: Path, config: Path, earlier: pd.DataFrame | None) -> pd.DataFrame:
    """The table of the series below a folder."""
    if not dicom.is_dir():
        raise BadInput(f"{dicom} is no folder; give the one that holds the DICOM exports")
    imaging = _read_config(config)["imaging"]
    tree = read_tree(dicom)
    series = draft_series(tree, imaging["inclusion"], imaging["resample_tilt"], earlier)
    print(f"{tree.files:,} files, {tree.other:,} of them no DICOM images.")
    if tree.damaged:
        print(f"{tree.damaged:,} files are damaged or cannot be opened; copy them again.")
    if series.empty:
        raise BadInput(f"there is no DICOM file below {dicom}; give the folder of the exports")
    return series


def _summary(
    sheet: pd.DataFrame, series: pd.DataFrame, target: Path, listed: Path
) -> Iterable[str]:
    """What was drafted, and what speaks against it."""
    without, unsure = (sheet["ct"] == "").sum(), (sheet[UNSURE] != "").sum()
    yield f"{len(sheet)} patients, {len(series)} series; {without} patients without a usable one."
    yield f"{listed} says why, and where each series lies. To overrule it write `{USE}` or"
    yield f"`{DO_NOT_USE}` into its column `use` and run `make cohort STUDY=...` without DICOM."
    if unsure:
        yield f"{unsure} patients are unsure: the column `{UNSURE}` says why; decide, and empty it."


def _what_to_do(study: Path, target: Path, classes: Sequence[str]) -> Iterable[str]:
    """What is left to a person."""
    yield f"Now fill in the column `label` of {target} ({', '.join(classes)}; for other"
    yield "classes set `classes` in the configuration), and remove or mend patients without `ct`."
    yield "Then make the masks and look at them:"
    yield f"  .venv/bin/snakemake --cores 8 --directory {study} review"


def main(arguments: list[str] | None = None) -> None:
    """Write `config/series.tsv` and `config/patients.tsv` (never over one that is there).

    A study without a configuration gets one that names a model from the package index, so that
    patients without a mask are segmented on the first run.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("study", type=Path, help="the study's folder")
    parser.add_argument(
        "dicom",
        type=Path,
        nargs="?",
        help="folder tree of DICOM files; without it the sheet is drafted from config/series.tsv",
    )
    options = parser.parse_args(arguments)
    try:
        _draft(options.study, options.dicom)
    except BadInput as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
