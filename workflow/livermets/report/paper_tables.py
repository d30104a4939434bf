"""The paper's Tables 1 to 3 as data frames and TSV files, and how numbers are printed."""

import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from livermets.cohort.cohort_table import read_cohort
from livermets.core.errors import BadInput
from livermets.core.io import write_table
from livermets.evaluation.metrics import METRICS
from livermets.study.arms import Arm
from livermets.study.outputs import LEVELS, table_names

FACTS = {
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
    *FACTS,
}
NUMERIC_SHARE = 0.8  # a clinical column with this share of numbers is a number


def read_table(table: Path | str | pd.DataFrame) -> pd.DataFrame:
    """A table of the study from its file (TSV or Parquet); one in memory is passed through."""
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
    """Patient characteristics by class, with `tableone` (doi:10.1093/jamiaopen/ooy012).

    Numbers are medians [quartiles], categories counts (%). Without p-values: what differs is
    described, not tested. Only included patients count.

    Parameters
    ----------
    cohort : one row a patient
    clinical : the sheet's clinical columns; None takes every column that is not ours

    Returns
    -------
    characteristic, value (of a category), missing, overall, one column for each class
    """
    from tableone import TableOne

    patients = cohort[cohort["included"].astype(bool)].copy()
    if clinical is None:
        clinical = [name for name in patients if name not in NOT_CLINICAL]
    clinical = [name for name in clinical if name in patients]
    data = patients[["label"]].assign(label=patients["label"].astype(str))
    continuous = []
    for name in clinical:
        data[name], number = _clinical(patients[name])
        continuous += [name] * number
    for name, title in FACTS.items():
        if name in patients and patients[name].notna().any():
            data[title] = pd.to_numeric(patients[name])
            continuous.append(title)
    columns = [name for name in data if name != "label" and data[name].notna().any()]
    present = [name for name in classes if (data["label"] == name).any()]
    lines = [_counts(patients, present, "Patients", None)]
    if "n_lesions" in patients and patients["n_lesions"].notna().any():
        lines.append(_counts(patients, present, "Lesions", "n_lesions"))
    if columns:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="tableone")  # it lags behind pandas
            made = TableOne(
                data.reset_index(drop=True),
                columns=columns,
                categorical=[name for name in columns if name not in continuous],
                nonnormal=[name for name in columns if name in continuous],
                groupby="label",
                decimals=_decimals(data, continuous),
                missing=True,
                pval=False,
            ).tableone
        lines.append(_flat(made, present))
    return pd.concat(lines, ignore_index=True)


def _clinical(column: pd.Series) -> tuple[pd.Series, bool]:
    """A clinical column as numbers where most of it is, else as words."""
    text = column.astype("string").str.strip().replace("", pd.NA)
    number = pd.to_numeric(text, errors="coerce").astype(float)
    known = max(text.notna().sum(), 1)
    if number.notna().sum() >= NUMERIC_SHARE * known and number.nunique() > 5:
        return number, True
    return text.astype(object).where(text.notna(), None), False


def _decimals(data: pd.DataFrame, continuous: list[str]) -> dict[str, int]:
    """Three significant digits, roughly: burden 0.074, liver 1512."""
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


def _flat(made: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Tableone's two-level table as plain columns of text, each characteristic named once."""
    made = made.droplevel(0, axis=1) if made.columns.nlevels == 2 else made
    flat = made.reset_index()
    flat.columns = ["characteristic", "value", *flat.columns[2:]]
    flat = flat.rename(columns={"Missing": "missing", "Overall": "overall"})
    flat = flat[flat["characteristic"] != "n"].fillna("").astype(str)
    for unit in (", median [Q1,Q3]", ", n (%)"):
        flat["characteristic"] = flat["characteristic"].str.removesuffix(unit)
    flat = flat.replace(r"\[(\S+),(\S+)\]", r"[\1, \2]", regex=True)
    return flat[["characteristic", "value", "missing", "overall", *classes]]


def table2(importance: pd.DataFrame) -> pd.DataFrame:
    """Features by importance: rank, feature, importance, sd, selected_share."""
    columns = ["rank", "feature", "importance", "sd", "selected_share"]
    return importance[columns].sort_values("rank", kind="stable", ignore_index=True)


def table3(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row an arm, scheme and level; each metric of `METRICS` with its interval.

    Columns: scheme, level, family, arm, model, resampling, n_patients, n_lesions, then NAME,
    NAME_low and NAME_high of each metric. With three or more classes, of all together.
    """
    return _wide(metrics[metrics["class"] == ""]).drop(columns="class")


def one_vs_rest(metrics: pd.DataFrame) -> pd.DataFrame:
    """The same for each of three or more classes against the rest, with the column `class`."""
    return _wide(metrics[metrics["class"] != ""])


def _wide(metrics: pd.DataFrame) -> pd.DataFrame:
    key = ["scheme", "level", "class", "arm", "n_patients", "n_lesions"]
    wide = metrics.pivot(index=key, columns="metric", values=["value", "low", "high"])  # noqa: PD010
    wide.columns = [
        name if part == "value" else f"{name}_{part}" for part, name in wide.columns.to_flat_index()
    ]
    columns = [c for name in METRICS for c in (name, f"{name}_low", f"{name}_high")]
    wide = wide.reindex(columns=columns).reset_index()
    wide.insert(3, "family", wide["arm"].map(lambda arm: Arm.parse(arm).family))
    wide.insert(5, "model", wide["arm"].map(lambda arm: Arm.parse(arm).model_title))
    wide.insert(6, "resampling", wide["arm"].map(lambda arm: Arm.parse(arm).resampling))
    levels = list(LEVELS)
    order = sorted(
        range(len(wide)),
        key=lambda i: (
            wide["scheme"][i] != "holdout",
            wide["scheme"][i],
            levels.index(wide["level"][i]),
            wide["class"][i],
            Arm.parse(wide["arm"][i]),
        ),
    )
    return wide.iloc[order].reset_index(drop=True)


def write_tables(
    folder: Path | str,
    *,
    cohort: Path | pd.DataFrame,
    metrics: Path | pd.DataFrame,
    importance: Path | pd.DataFrame | None = None,
    differences: Path | pd.DataFrame | None = None,
    confusion: Path | pd.DataFrame | None = None,
    classes: list[str],
    clinical: list[str] | None = None,
) -> dict[str, Path]:
    """Write the tables of `livermets.study.arms.table_names` as {name}.tsv.

    Every argument that is a table may be a path or a data frame.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    empty2 = pd.DataFrame(columns=["rank", "feature", "importance", "sd", "selected_share"])
    tables = {
        "table1": table1(read_cohort(cohort), classes, clinical),
        "table2": empty2 if importance is None else table2(read_table(importance)),
        "table3": table3(read_table(metrics)),
        "differences": pd.DataFrame() if differences is None else read_table(differences),
        "confusion": pd.DataFrame() if confusion is None else read_table(confusion),
    }
    if len(classes) > 2:
        tables["one_vs_rest"] = one_vs_rest(read_table(metrics))
    paths = {}
    for name in table_names(classes):
        paths[name] = folder / f"{name}.tsv"
        write_table(paths[name], tables[name], float_format="%.10g")
    return paths


def number(value: float, digits: int = 2) -> str:
    """0.87, with a proper minus; an en dash where there is none."""
    if value is None or not np.isfinite(value):
        return "–"
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")  # -0.0 + 0.0 is 0.0


def with_interval(value: float, low: float, high: float) -> str:
    """0.87 (0.60–1.00); the value alone where it has no interval."""
    if not np.isfinite(value):
        return "not defined"
    if not np.isfinite(low):
        return f"{number(value)} (no interval)"
    to = " to " if low < 0 else "–"
    return f"{number(value)} ({number(low)}{to}{number(high)})"


def p_value(p: float) -> str:
    """< .001, .013, .21"""
    if not np.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def require(table: pd.DataFrame, columns: list[str], name: str) -> None:
    """BadInput where a table lacks a column that the report cannot do without."""
    missing = [column for column in columns if column not in table]
    if missing:
        raise BadInput(f"{name}: the column {', '.join(missing)} is missing. Run its rule again.")
