"""Subgroups: which patients or lesions belong to the groups that results are shown for.

The groups do not depend on any result: categories and thirds of the clinical columns, sites,
scanners, and sizes of lesions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from livermets.core.scan_ids import patient_of
from livermets.study.baselines import volume_column
from livermets.study.cells import cell_text
from livermets.study.clinical_columns import FEW_VALUES, clinical_columns, is_numeric
from livermets.study.names import CLINICAL, lesion_key

MOST_GROUPS = 12  # a column of words with more categories than these makes no groups
NOT_RECORDED = "not recorded"
ALL = "all"  # the variable of the group of all patients or all lesions
MANUFACTURER = "manufacturer"
SEVERAL = "several"  # scanners of one patient
ACQUISITION = ("site", MANUFACTURER, "scanner")  # columns of the cohort table, where it has them
SIZE = "lesion diameter"
SPHERE = "lesion diameter from its volume"  # of a sphere
SMALL_MM, LARGE_MM = 10, 20


@dataclass(frozen=True)
class Subgroup:
    """One group of patients or lesions.

    Parameters
    ----------
    variable : str
        What the group is made by, such as a column of the cohort table.
    name : str
        The group.
    level : str
        The level of evaluation: patient or lesion.
    members : DataFrame
        patient of each member; of lesions, the columns of `lesion_key`.
    """

    variable: str
    name: str
    level: str
    members: pd.DataFrame


def patient_subgroups(cohort: pd.DataFrame, clinical: Sequence[str]) -> Iterator[Subgroup]:
    """Divide the included patients by clinical columns, site and scanner.

    A numeric column is divided into thirds of the patients, any other one into its categories.
    Patients without a value are a group of their own.

    Parameters
    ----------
    cohort : DataFrame
        patient, included and further columns.
    clinical : sequence of str
        The clinical columns; one that the cohort does not have is passed over.
    """
    included = cohort[cohort["included"].astype(bool)]
    for column in dict.fromkeys([*clinical, *ACQUISITION]):
        if column not in included:
            continue
        text = pd.Series(cell_text(included[column]), index=included.index)
        groups = _thirds_or_categories(text)
        if not 1 < groups[groups != NOT_RECORDED].nunique() <= MOST_GROUPS:
            continue
        for name in _in_order(groups):
            members = included.loc[groups == name, ["patient"]].astype(str)
            yield Subgroup(column, name, "patient", members)


def with_clinical_columns(cohort: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Add the clinical columns of a features table that the cohort sheet does not have.

    Parameters
    ----------
    cohort : DataFrame
        One row for each patient.
    features : DataFrame
        patient and columns that begin with `clinical_`, of which the first row of each patient
        counts. They enter without the prefix.
    """
    first = features.drop_duplicates("patient").set_index("patient")
    first.index = first.index.astype(str)
    patients = cohort["patient"].astype(str)
    added = {
        name.removeprefix(CLINICAL): patients.map(first[name])
        for name in clinical_columns(features)
    }
    return cohort.assign(**{name: cells for name, cells in added.items() if name not in cohort})


def with_manufacturers(cohort: pd.DataFrame, records: Mapping[str, Mapping]) -> pd.DataFrame:
    """Add the manufacturer of each patient's scanner, unless the cohort sheet has such a column.

    Parameters
    ----------
    cohort : DataFrame
        One row for each patient.
    records : mapping of str to mapping
        Id of the scan -> the record of the CT's acquisition, in which `manufacturer` may be
        missing. The first word counts: SIEMENS and Siemens Healthineers are one. A patient with
        scans of several manufacturers has "several".
    """
    if MANUFACTURER in cohort:
        return cohort
    names: dict[str, str] = {}
    for scan, record in records.items():
        if words := str(record.get(MANUFACTURER) or "").upper().split():
            name = names.setdefault(patient_of(scan), words[0])
            names[patient_of(scan)] = name if name == words[0] else SEVERAL
    return cohort.assign(**{MANUFACTURER: cohort["patient"].astype(str).map(names)})


def lesion_subgroups(sizes: pd.DataFrame) -> Iterator[Subgroup]:
    """Divide the lesions by size: into thirds, and at 10 and 20 mm, where that gives two groups.

    Parameters
    ----------
    sizes : DataFrame
        patient, scan (if any), lesion and one column of diameters in mm, which gives the groups
        their name.
    """
    (column,) = (str(name) for name in sizes if name not in lesion_key(sizes))
    known = sizes[sizes[column].notna()]
    if known.empty:
        return
    limits = (SMALL_MM, LARGE_MM)
    names = [f"under {SMALL_MM} mm", f"{SMALL_MM} to {LARGE_MM} mm", f"over {LARGE_MM} mm"]
    place = (known[column] >= limits[0]).astype(int) + (known[column] > limits[1])
    for variable, groups in (
        (f"{column}, thirds", _thirds(known[column], " mm")),
        (column, _ordered(place, names)),
    ):
        names_of_groups = _in_order(groups)
        for name in names_of_groups if len(names_of_groups) > 1 else []:
            members = known.loc[groups == name, lesion_key(known)]
            yield Subgroup(variable, name, "lesion", members)


def size_columns(columns: Iterable[str]) -> list[str]:
    """Columns of a features table that tell the size of a lesion; empty where there is none."""
    columns = list(columns)
    volume = volume_column(columns)
    return ["diameter_mm"] if "diameter_mm" in columns else [volume] if volume else []


def lesion_sizes(features: pd.DataFrame) -> pd.DataFrame | None:
    """The diameter of each lesion, measured or that of a sphere of the same volume.

    Parameters
    ----------
    features : DataFrame
        patient, scan (if any), lesion, and a column of `size_columns`: `diameter_mm`, `volume_ml`
        or a shape feature of the volume in mm³.

    Returns
    -------
    DataFrame or None
        patient, scan (if any), lesion and the diameter in mm, as `lesion_subgroups` takes it; None
        where the table does not tell the size.
    """
    found = size_columns(features.columns)
    if not found:
        return None
    (name,) = found
    sizes = features[lesion_key(features)].assign(patient=features["patient"].astype(str))
    value = pd.to_numeric(features[name], errors="coerce")
    if name == "diameter_mm":
        return sizes.assign(**{SIZE: value})
    cubic_mm = value * 1000 if name == "volume_ml" else value
    return sizes.assign(**{SPHERE: (6 * cubic_mm / np.pi) ** (1 / 3)})


def _thirds_or_categories(text: pd.Series) -> pd.Series:
    """The group of each cell; a categorical of thirds, or the text itself."""
    filled = text[text != ""]
    groups = text.where(text != "", NOT_RECORDED)
    if is_numeric(filled) and filled.astype(float).nunique() > FEW_VALUES:
        thirds = _thirds(filled.astype(float), "")
        order = [*thirds.cat.categories, *([NOT_RECORDED] if len(filled) < len(text) else [])]
        groups = groups.mask(text != "", thirds.astype(str).reindex(text.index))
        return groups.astype(pd.CategoricalDtype(order, ordered=True))
    return groups


def _thirds(values: pd.Series, unit: str) -> pd.Series:
    """Thirds of the values as ordered categories; fewer where many values are equal."""
    low, high = np.quantile(values, (1 / 3, 2 / 3), method="inverted_cdf")  # values that occur
    first, last = _short(low), _short(high)
    names = [f"up to {first}{unit}", f"over {first} to {last}{unit}", f"over {last}{unit}"]
    return _ordered((values > low).astype(int) + (values > high), names)


def _short(value: float) -> str:
    """A number with three digits, or all those before its decimal point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ordered(place: pd.Series, names: list[str]) -> pd.Series:
    """The name at each place, as ordered categories."""
    words = place.map(dict(enumerate(names)))
    return words.astype(pd.CategoricalDtype(names, ordered=True))


def _in_order(groups: pd.Series) -> list[str]:
    """Names of the groups that have members: as categories are ordered, or by number or word."""
    if isinstance(groups.dtype, pd.CategoricalDtype):
        return [name for name in groups.cat.categories if (groups == name).any()]
    names = [name for name in groups.unique() if name != NOT_RECORDED]
    numbers = is_numeric(names)
    ordered = sorted(names, key=float) if numbers else sorted(names)
    return ordered + [NOT_RECORDED] * bool((groups == NOT_RECORDED).any())
