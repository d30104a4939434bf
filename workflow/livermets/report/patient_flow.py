"""Patient flow: numbers of patients, scans and lesions at each step, and why some were excluded."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from livermets.study.names import SCAN
from livermets.study.patient_labels import patient_groups
from livermets.study.schemes import scheme_of, scheme_title

STAGES = {
    "config": "by `exclude` in the configuration",
    "sheet": "before import",
    "import": "at the import of the CT",
    "inclusion": "by the inclusion criteria",
    "segment": "at segmentation",
    "review": "at the review of the masks",
    "reader": "by the reader of the images",
    "split": "when lesions were split",
    "lesions": "without a lesion to classify",
}
SOURCES = {
    "automatic": "segmented automatically",
    "corrected": "corrected by a reader",
    "given": "mask given in the sheet",
}
MAX_REASONS = 4  # reasons listed for each stage; the others are only counted


@dataclass
class Step:
    """A box of the diagram, and the patients or lesions that left the study after it.

    Parameters
    ----------
    title : str
        The heading.
    lines : list of str
        The text below it.
    exclusion_title : str
        The heading of the box at its side; "" where nothing left.
    exclusions : list of str
        The text of that box.
    """

    title: str
    lines: list[str] = field(default_factory=list)
    exclusion_title: str = ""
    exclusions: list[str] = field(default_factory=list)


def flow_steps(
    cohort: pd.DataFrame,
    splits: pd.DataFrame,
    classes: list[str],
    min_diameter_mm: float = 5.0,
    from_features: bool = False,
    scans: pd.DataFrame | None = None,
) -> tuple[list[Step], list[Step]]:
    """List the steps from the cohort to the analysed patients, and the schemes that divide them.

    Parameters
    ----------
    cohort : DataFrame
        One row for each patient, as `read_cohort` gives it.
    splits : DataFrame
        split, patient, role.
    classes : list of str
        Class names.
    min_diameter_mm : float
        Smaller lesions were dropped.
    from_features : bool
        Whether the study started from a feature table.
    scans : DataFrame, optional
        One row for each scan, as `read_cohort` gives it, where the sheet lists scans: then both
        are counted, and scans are excluded.

    Returns
    -------
    tuple of list of Step
        The steps from top to bottom, and one step for each scheme.
    """
    included = cohort[cohort["included"].astype(bool)]
    if from_features:
        lines = ["Images, masks and lesions are not part of this run.", _by_class(cohort, classes)]
        table = Step(f"Feature table: {_count(len(cohort), 'patient')}", lines)
        steps = [_with_exclusions(table, cohort[~cohort["included"].astype(bool)])]
    else:
        rows = cohort if scans is None else scans
        excluded = rows[~rows["included"].astype(bool)]
        no_lesion = excluded["stage"] == "lesions"
        usable = rows.drop(index=excluded.index[~no_lesion])
        steps = [
            _sheet_step(rows, excluded[~no_lesion], classes),
            _mask_step(usable, excluded[no_lesion], min_diameter_mm),
        ]
    lesions = included["n_lesions"].sum() if "n_lesions" in included else float("nan")
    count = "" if np.isnan(lesions) else f", {_count(int(lesions), 'lesion')}"
    lines = [_class_line(included, name) for name in patient_groups(included["label"], classes)]
    analysed = included if scans is None else scans[scans["included"].astype(bool)]
    steps.append(Step(f"Analysed: {_how_many(analysed)}{count}", lines))
    return steps, _schemes(included, splits)


def _sheet_step(rows: pd.DataFrame, excluded: pd.DataFrame, classes: list[str]) -> Step:
    """The cohort sheet, and the patients or scans excluded before lesions were counted."""
    step = Step(f"Cohort sheet: {_how_many(rows)}", [_by_class(rows, classes)])
    return _with_exclusions(step, excluded, rows.drop(index=excluded.index))


def _with_exclusions(
    step: Step, excluded: pd.DataFrame, remaining: pd.DataFrame | None = None
) -> Step:
    """The step with the patients or scans excluded after it, by stage and reason."""
    if len(excluded):
        step.exclusion_title = f"Excluded: {_excluded(excluded, remaining)}"
        step.exclusions = _exclusions(excluded)
    return step


def _excluded(excluded: pd.DataFrame, remaining: pd.DataFrame | None) -> str:
    """How many patients are excluded; of scans also how many patients lose the last of theirs."""
    if SCAN not in excluded or remaining is None:
        return _count(len(excluded), "patient")
    lost = set(excluded["patient"]) - set(remaining["patient"])
    patients = f", the last of {_count(len(lost), 'patient')}" if lost else ""
    return _count(len(excluded), "scan") + patients


def _mask_step(usable: pd.DataFrame, no_lesion: pd.DataFrame, min_diameter_mm: float) -> Step:
    """The patients or scans with CT and mask, their lesions, and what was dropped of both."""
    step = Step(f"CT and mask: {_how_many(usable)}", _mask_sources(usable))
    components = usable["n_components"].sum() if "n_components" in usable else 0
    if components:
        step.lines.append(f"{_count(int(components), 'lesion')} found")
        dropped = int(usable["n_dropped"].sum())
        outside = int(usable["n_outside_liver"].sum()) if "n_outside_liver" in usable else 0
        if dropped:
            step.exclusion_title = f"Dropped: {_count(dropped, 'lesion')}"
            deleted = int(usable["n_deleted"].sum()) if "n_deleted" in usable else 0
            counts = {
                f"smaller than {min_diameter_mm:g} mm": dropped - outside - deleted,
                "outside the liver": outside,
                "deleted by the reader": deleted,
            }
            reasons = {reason: n for reason, n in counts.items() if n}
            single = len(reasons) == 1  # its number stands in the title
            step.exclusions = [
                reason if single else f"{n} {reason}" for reason, n in reasons.items()
            ]
    if len(no_lesion):
        excluded = _excluded(no_lesion, usable.drop(index=no_lesion.index))
        step.exclusion_title = step.exclusion_title or f"Excluded: {excluded}"
        step.exclusions.append(f"{excluded} without a lesion to classify")
    return step


def _exclusions(excluded: pd.DataFrame) -> list[str]:
    """Numbers of excluded patients or scans by stage, then by reason."""
    order = {stage: i for i, stage in enumerate(STAGES)}
    lines = []
    for stage in sorted(excluded["stage"].unique(), key=lambda s: (order.get(s, len(order)), s)):
        part = excluded[excluded["stage"] == stage]
        lines.append(f"{len(part)} {STAGES.get(stage, f'at {stage}' if stage else 'elsewhere')}:")
        reasons = part["reason"].replace("", "no reason recorded").value_counts(sort=False)
        reasons = reasons.sort_values(ascending=False, kind="stable")
        lines += [f"– {reason} ({count})" for reason, count in reasons.iloc[:MAX_REASONS].items()]
        rest = int(reasons.iloc[MAX_REASONS:].sum())
        table = "scans.tsv" if SCAN in excluded else "cohort.tsv"
        lines += [f"– other reasons, listed in {table} ({rest})"] if rest else []
    return lines


def _mask_sources(usable: pd.DataFrame) -> list[str]:
    if "mask_source" not in usable:
        return []
    counts = usable["mask_source"].fillna("").value_counts()
    return [f"{counts[source]} {text}" for source, text in SOURCES.items() if source in counts]


def _by_class(rows: pd.DataFrame, classes: list[str]) -> str:
    patients = rows.drop_duplicates("patient")
    groups = patient_groups(patients["label"], classes)
    return ", ".join(f"{(patients['label'] == name).sum()} {name}" for name in groups)


def _class_line(patients: pd.DataFrame, name: str) -> str:
    of_class = patients[patients["label"] == name]
    line = f"{name}: {_count(len(of_class), 'patient')}"
    if "n_lesions" in of_class and of_class["n_lesions"].notna().any():
        line += f", {_count(int(of_class['n_lesions'].sum()), 'lesion')}"
    return line


def _schemes(included: pd.DataFrame, splits: pd.DataFrame) -> list[Step]:
    patients = included.set_index(included["patient"].astype(str))
    named = splits["split"].map(lambda split: scheme_of(split)[0])
    steps = []
    for scheme in named.drop_duplicates():
        part = splits[named == scheme]
        if scheme == "cv":
            repeats = {scheme_of(split)[1] for split in part["split"]}
            folds = part["split"].nunique() // len(repeats)
            sizes = part[part["role"] == "test"].groupby("split").size()
            low, high = sizes.min(), sizes.max()
            each = f"{low}" if low == high else f"{low}–{high}"
            times = f", {len(repeats)} repeats" if len(repeats) > 1 else ""
            lines = [f"every patient tested once{' per repeat' if times else ''}"]
            lines.append(f"{each} test patients in a fold, stratified by class")
            steps.append(Step(f"Cross-validation: {folds} folds{times}", lines))
        elif scheme == "site":
            sites = part["split"].nunique()
            lines = [f"each of {sites} sites tested in turn", "by what was learned at the others"]
            steps.append(Step(scheme_title(scheme), lines))
        else:
            title = scheme_title(scheme)
            title = f"Split {scheme}" if title == scheme else title
            roles = [r for r in ("train", "validation", "test") if (part["role"] == r).any()]
            lines = [_role(part, role, patients) for role in roles]
            steps.append(Step(title, lines))
    return steps


def _role(part: pd.DataFrame, role: str, patients: pd.DataFrame) -> str:
    ids = part.loc[part["role"] == role, "patient"].astype(str)
    text = f"{role}: {_count(len(ids), 'patient')}"
    if "n_lesions" in patients and patients["n_lesions"].notna().any():
        text += f", {_count(int(patients['n_lesions'].reindex(ids).sum()), 'lesion')}"
    return text


def _how_many(rows: pd.DataFrame) -> str:
    """The number of patients, and that of scans in a table of scans."""
    patients = _count(rows["patient"].nunique(), "patient")
    return f"{patients}, {_count(len(rows), 'scan')}" if SCAN in rows else patients


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"
