"""Patient flow: numbers of patients and lesions at each step, with exclusions and their reasons."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from livermets.study.schemes import scheme_of, scheme_title

STAGES = {
    "config": "by `exclude` in the configuration",
    "sheet": "before import",
    "import": "at the import of the CT",
    "inclusion": "by the inclusion criteria",
    "segment": "at segmentation",
    "review": "at the review of the masks",
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
        excluded = cohort[~cohort["included"].astype(bool)]
        no_lesion = excluded["stage"] == "lesions"
        usable = cohort.drop(index=excluded.index[~no_lesion])
        steps = [
            _sheet_step(cohort, excluded[~no_lesion], classes),
            _mask_step(usable, int(no_lesion.sum()), min_diameter_mm),
        ]
    lesions = included["n_lesions"].sum() if "n_lesions" in included else float("nan")
    count = "" if np.isnan(lesions) else f", {_count(int(lesions), 'lesion')}"
    lines = [_class_line(included, name) for name in classes]
    steps.append(Step(f"Analysed: {_count(len(included), 'patient')}{count}", lines))
    return steps, _schemes(included, splits)


def _sheet_step(cohort: pd.DataFrame, excluded: pd.DataFrame, classes: list[str]) -> Step:
    """The cohort sheet, and the patients excluded before lesions were counted."""
    step = Step(f"Cohort sheet: {_count(len(cohort), 'patient')}", [_by_class(cohort, classes)])
    return _with_exclusions(step, excluded)


def _with_exclusions(step: Step, excluded: pd.DataFrame) -> Step:
    """The step with the patients excluded after it, by stage and reason."""
    if len(excluded):
        step.exclusion_title = f"Excluded: {_count(len(excluded), 'patient')}"
        step.exclusions = _exclusions(excluded)
    return step


def _mask_step(usable: pd.DataFrame, without_lesion: int, min_diameter_mm: float) -> Step:
    """The patients with CT and mask, their lesions, and what was dropped of both."""
    step = Step(f"CT and mask: {_count(len(usable), 'patient')}", _mask_sources(usable))
    components = usable["n_components"].sum() if "n_components" in usable else 0
    if components:
        step.lines.append(f"{_count(int(components), 'lesion')} found")
        dropped = int(usable["n_dropped"].sum())
        outside = int(usable["n_outside_liver"].sum()) if "n_outside_liver" in usable else 0
        if dropped:
            step.exclusion_title = f"Dropped: {_count(dropped, 'lesion')}"
            small = f"smaller than {min_diameter_mm:g} mm"
            counts = {small: dropped - outside, "outside the liver": outside}
            reasons = {reason: n for reason, n in counts.items() if n}
            single = len(reasons) == 1  # its number stands in the title
            step.exclusions = [
                reason if single else f"{n} {reason}" for reason, n in reasons.items()
            ]
    if without_lesion:
        excluded = _count(without_lesion, "patient")
        step.exclusion_title = step.exclusion_title or f"Excluded: {excluded}"
        step.exclusions.append(f"{excluded} without a lesion to classify")
    return step


def _exclusions(excluded: pd.DataFrame) -> list[str]:
    """Numbers of excluded patients by stage, then by reason."""
    order = {stage: i for i, stage in enumerate(STAGES)}
    lines = []
    for stage in sorted(excluded["stage"].unique(), key=lambda s: (order.get(s, len(order)), s)):
        part = excluded[excluded["stage"] == stage]
        lines.append(f"{len(part)} {STAGES.get(stage, f'at {stage}' if stage else 'elsewhere')}:")
        reasons = part["reason"].replace("", "no reason recorded").value_counts(sort=False)
        reasons = reasons.sort_values(ascending=False, kind="stable")
        lines += [f"– {reason} ({count})" for reason, count in reasons.iloc[:MAX_REASONS].items()]
        rest = int(reasons.iloc[MAX_REASONS:].sum())
        lines += [f"– other reasons, listed in cohort.tsv ({rest})"] if rest else []
    return lines


def _mask_sources(usable: pd.DataFrame) -> list[str]:
    if "mask_source" not in usable:
        return []
    counts = usable["mask_source"].fillna("").value_counts()
    return [f"{counts[source]} {text}" for source, text in SOURCES.items() if source in counts]


def _by_class(patients: pd.DataFrame, classes: list[str]) -> str:
    return ", ".join(f"{(patients['label'] == name).sum()} {name}" for name in classes)


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


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"
