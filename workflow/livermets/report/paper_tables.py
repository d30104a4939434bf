"""The paper's Tables 1 to 3, as data frames and TSV files."""

import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from livermets.core.io import write_table
from livermets.evaluation.metrics import METRICS
from livermets.study.arms import Arm
from livermets.study.cells import cell_text
from livermets.study.clinical_columns import FEW_VALUES, is_numeric
from livermets.study.outputs import LEVELS, table_names
from livermets.study.patient_labels import patient_groups

MEASUREMENTS = {
    "n_lesions": "Lesions per patient",
    "burden": "Liver tumour burden",
    "liver_ml": "Liver volume, ml",
    "lesion_ml": "Lesion volume, ml",
    "lesion_hu": "Mean HU of the lesions",
    "parenchyma_hu": "Mean HU of the parenchyma",
}
NOT_CLINICAL = {
    *("patient", "label", "included", "stage", "reason", "site", "n_components", "n_dropped"),
    *("mask_source", "diameter_mm", "volume_ml", "mean_hu", "lesion"),
    *MEASUREMENTS,
}
_TABLE2 = ["rank", "feature", "importance", "sd", "selected_share"]


def read_table(table: Path | str | pd.DataFrame) -> pd.DataFrame:
    """Read a table of the study (TSV or Parquet); a data frame is returned as it is."""
    if isinstance(table, pd.DataFrame):
        return table
    path = Path(table)
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    text = {name: str for name in ("patient", "label", "stage", "reason", "mask_source")}
    return pd.read_csv(path, sep="\t", dtype=text)


def table1(
    cohort: pd.DataFrame, classes: list[str], clinical: Iterable[str] | None = None
) -> pd.DataFrame:
    """Compute the patient characteristics by class, with `tableone` (doi:10.1093/jamiaopen/ooy012).

    Numbers are medians [quartiles], categories are counts (%). There are no p values: differences
    are described, not tested. Only included patients count.

    Parameters
    ----------
    cohort : DataFrame
        One row for each patient, as `read_cohort` gives it.
    classes : list of str
        Class names.
    clinical : iterable of str or None
        The clinical columns; None takes every column of the cohort that the workflow did not add.

    Returns
    -------
    DataFrame
        characteristic, value (of a category), missing, overall, one column for each class.
    """
    from tableone import TableOne

    patients = cohort[cohort["included"].astype(bool)].copy()
    if clinical is None:
        clinical = [str(name) for name in patients if name not in NOT_CLINICAL]
    clinical = [name for name in clinical if name in patients]
    data = patients[["label"]].assign(label=patients["label"].astype(str))
    continuous = []
    for name in clinical:
        data[name], number = _clinical(patients[name])
        continuous += [name] * number
    for name, title in MEASUREMENTS.items():
        if name in patients and patients[name].notna().any():
            data[title] = pd.to_numeric(patients[name])
            continuous.append(title)
    columns = [name for name in data if name != "label" and data[name].notna().any()]
    groups = patient_groups(data["label"], classes)
    present = [name for name in groups if (data["label"] == name).any()]
    lines = [_counts(patients, present, "Patients", None)]
    if "n_lesions" in patients and patients["n_lesions"].notna().any():
        lines.append(_counts(patients, present, "Lesions", "n_lesions"))
    if columns:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="tableone")  # it lags behind pandas
            table = TableOne(
                data.reset_index(drop=True),
                columns=columns,
                categorical=[name for name in columns if name not in continuous],
                nonnormal=[name for name in columns if name in continuous],
                groupby="label",
                decimals=_decimals(data, continuous),
                missing=True,
                pval=False,
            ).tableone
        lines.append(_flat(table, present))
    return pd.concat(lines, ignore_index=True)


def _clinical(column: pd.Series) -> tuple[pd.Series, bool]:
    """A clinical column and whether its median is shown.

    Numbers of few values (0 and 1, a stage) are shown as counts, as categories are.
    """
    text = pd.Series(cell_text(column), index=column.index, dtype="object")
    if is_numeric(column) and text[text != ""].astype(float).nunique() > FEW_VALUES:
        return text.where(text != "", np.nan).astype(float), True
    return text.where(text != "", None), False


def _decimals(data: pd.DataFrame, continuous: list[str]) -> dict[str, int]:
    """Decimals for about three significant digits: burden 0.074, liver 1512."""
    size = {name: np.nanmedian(np.abs(data[name])) for name in continuous}
    return {n: 3 if s < 1 else 1 if s < 200 else 0 for n, s in size.items()}


def _counts(
    patients: pd.DataFrame, classes: list[str], title: str, column: str | None
) -> pd.DataFrame:
    amount = patients[column] if column else pd.Series(1, index=patients.index)
    line = {"characteristic": title, "value": "", "missing": "", "overall": f"{amount.sum():.0f}"}
    for name in classes:
        line[name] = f"{amount[patients['label'] == name].sum():.0f}"
    return pd.DataFrame([line])


def _flat(table: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Tableone's two-level table as plain columns of text, each characteristic named once."""
    table = table.droplevel(0, axis=1) if table.columns.nlevels == 2 else table
    flat = table.reset_index()
    flat.columns = ["characteristic", "value", *flat.columns[2:]]
    flat = flat.rename(columns={"Missing": "missing", "Overall": "overall"})
    flat = flat[flat["characteristic"] != "n"].fillna("").astype(str)
    for unit in (", median [Q1,Q3]", ", n (%)"):
        flat["characteristic"] = flat["characteristic"].str.removesuffix(unit)
    flat = flat.replace(r"\[(\S+),(\S+)\]", r"[\1, \2]", regex=True)
    return flat[["characteristic", "value", "missing", "overall", *classes]]


def table2(importance: pd.DataFrame) -> pd.DataFrame:
    """List the features by importance: rank, feature, importance, sd, selected_share."""
    return importance[_TABLE2].sort_values("rank", kind="stable", ignore_index=True)


def table3(metrics: pd.DataFrame) -> pd.DataFrame:
    """Build Table 3: a row for each arm, scheme and level, each metric with its interval.

    The columns are scheme, level, family, arm, model, resampling, n_patients, n_effective,
    n_lesions, then NAME, NAME_low and NAME_high of each metric. With three or more classes, metrics
    are over all classes.
    """
    return _wide(metrics[metrics["class"] == ""]).drop(columns="class")


def one_vs_rest(metrics: pd.DataFrame) -> pd.DataFrame:
    """Build Table 3 for each of three or more classes against the rest, with the column `class`."""
    return _wide(metrics[metrics["class"] != ""])


def _wide(metrics: pd.DataFrame) -> pd.DataFrame:
    key = ["scheme", "level", "class", "arm", "n_patients", "n_effective", "n_lesions"]
    wide = metrics.pivot(index=key, columns="metric", values=["value", "low", "high"])  # noqa: PD010
    parts, names = (wide.columns.get_level_values(level) for level in (0, 1))
    wide.columns = [
        name if part == "value" else f"{name}_{part}"
        for part, name in zip(parts, names, strict=True)
    ]
    columns = [c for name in METRICS for c in (name, f"{name}_low", f"{name}_high")]
    wide = wide.reindex(columns=columns).reset_index()
    arms = wide["arm"].map(Arm.parse)
    wide.insert(3, "family", [arm.family for arm in arms])
    wide.insert(5, "model", [arm.model_title for arm in arms])
    wide.insert(6, "resampling", [arm.resampling for arm in arms])
    levels = list(LEVELS)
    order = sorted(
        range(len(wide)),
        key=lambda i: (
            wide["scheme"][i] != "holdout",
            wide["scheme"][i],
            levels.index(wide["level"][i]),
            wide["class"][i],
            arms[i],
        ),
    )
    return wide.iloc[order].reset_index(drop=True)


def write_tables(
    folder: Path | str,
    *,
    cohort: pd.DataFrame,
    metrics: pd.DataFrame,
    importance: pd.DataFrame | None = None,
    differences: pd.DataFrame | None = None,
    confusion: pd.DataFrame | None = None,
    classes: list[str],
    clinical: list[str] | None = None,
) -> dict[str, Path]:
    """Write the tables of `livermets.study.outputs.table_names` as {name}.tsv.

    Parameters
    ----------
    folder : Path or str
        The folder to write to.
    cohort : DataFrame
        One row for each patient, as `read_cohort` gives it.
    metrics : DataFrame
        As `livermets.evaluation.evaluate.evaluate` returns it.
    importance : DataFrame or None
        The features by importance.
    differences : DataFrame or None
        As `livermets.evaluation.paired_differences.compare_arms` returns it.
    confusion : DataFrame or None
        As `livermets.evaluation.confusion.confusion` returns it.
    classes : list of str
        Class names.
    clinical : list of str or None
        The clinical columns; None takes every column of the cohort that the workflow did not add.

    Returns
    -------
    dict of str to Path
        Name of each table -> its file.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "table1": table1(cohort, classes, clinical),
        "table2": pd.DataFrame(columns=_TABLE2) if importance is None else table2(importance),
        "table3": table3(metrics),
        "differences": pd.DataFrame() if differences is None else differences,
        "confusion": pd.DataFrame() if confusion is None else confusion,
    }
    if len(classes) > 2:
        tables["one_vs_rest"] = one_vs_rest(metrics)
    paths = {name: folder / f"{name}.tsv" for name in table_names(classes)}
    for name, path in paths.items():
        write_table(path, tables[name], float_format="%.10g")
    return paths
