"""The study's flow diagram (the paper's Fig. 1): who came in, who left and why, who was tested."""

import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import pandas as pd

from livermets.core.io import write_text
from livermets.study.schemes import scheme_of, scheme_title

STAGES = {
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
REASONS = 4  # different reasons named of each stage, the rest counted
WIDE, SIDE, GAP, LINE, PAD = 430, 330, 26, 17, 12  # pixels
LETTERS = 57  # in a line of the main column


@dataclass
class Step:
    """A box of the main column, and what left the study after it."""

    title: str
    lines: list[str] = field(default_factory=list)
    out_title: str = ""
    out: list[str] = field(default_factory=list)


def flow_steps(
    cohort: pd.DataFrame,
    splits: pd.DataFrame,
    classes: list[str],
    min_diameter_mm: float = 5.0,
    from_features: bool = False,
) -> tuple[list[Step], list[Step]]:
    """The boxes from top to bottom, and the boxes of the schemes side by side at the end."""
    included = cohort[cohort["included"].astype(bool)]
    excluded = cohort[~cohort["included"].astype(bool)]
    steps = []
    if from_features:
        lines = ["Images, masks and lesions are not part of this run.", _by_class(cohort, classes)]
        steps.append(Step(f"Feature table: {_n(len(cohort), 'patient')}", lines))
    else:
        sheet = Step(f"Cohort sheet: {_n(len(cohort), 'patient')}", [_by_class(cohort, classes)])
        steps.append(sheet)
        before_lesions = excluded[excluded["stage"] != "lesions"]
        if len(before_lesions):
            sheet.out_title = f"Excluded: {_n(len(before_lesions), 'patient')}"
            sheet.out = _exclusions(before_lesions)
        usable = cohort.drop(index=before_lesions.index)
        masks = Step(f"CT and mask: {_n(len(usable), 'patient')}", _mask_sources(usable))
        steps.append(masks)
        found = usable["n_components"].sum() if "n_components" in usable else float("nan")
        if found == found and found:
            dropped = int(usable["n_dropped"].sum())
            outside = int(usable["n_outside_liver"].sum()) if "n_outside_liver" in usable else 0
            masks.lines.append(f"{_n(int(found), 'lesion')} found")
            if dropped:
                masks.out_title = f"Dropped: {_n(dropped, 'lesion')}"
                small = f"smaller than {min_diameter_mm:g} mm"
                why = {small: dropped - outside, "outside the liver": outside}
                there = {reason: n for reason, n in why.items() if n}
                masks.out = [f"{n} {reason}" for reason, n in there.items()]
                masks.out = list(there) if len(there) == 1 else masks.out
        nothing = excluded[excluded["stage"] == "lesions"]
        if len(nothing):
            masks.out_title = masks.out_title or f"Excluded: {_n(len(nothing), 'patient')}"
            masks.out.append(f"{_n(len(nothing), 'patient')} without a lesion to classify")
    lesions = included["n_lesions"].sum() if "n_lesions" in included else float("nan")
    count = f", {_n(int(lesions), 'lesion')}" if lesions == lesions else ""
    lines = [_class_line(included, name) for name in classes]
    steps.append(Step(f"Analysed: {_n(len(included), 'patient')}{count}", lines))
    return steps, _schemes(included, splits)


def draw_flow(path: Path | str, **tables) -> Path:
    """Write the diagram as SVG; the arguments are those of `flow_steps`."""
    steps, schemes = flow_steps(**tables)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    page = templates.get_template("flow_diagram.svg.j2").render(_layout(steps, schemes))
    write_text(path, page)
    return path


def _layout(steps: list[Step], schemes: list[Step]) -> dict:
    """Pixel positions: boxes, side boxes and arrows."""
    width = WIDE + 40 + SIDE
    boxes: list[dict] = []
    arrows: list[tuple[float, float, float, float]] = []
    y = 2
    for i, step in enumerate(steps):
        box = _box(2, y, WIDE, step.title, step.lines, LETTERS)
        side = step.out_title and _box(
            WIDE + 40, y, SIDE, step.out_title, step.out, LETTERS * SIDE // WIDE, muted=True
        )
        boxes += [box, side] if side else [box]
        bottom = y + box["height"]
        if side:
            arrows.append((WIDE + 2, y + 20, WIDE + 38, y + 20))
            bottom = max(bottom, y + side["height"])
        if i < len(steps) - 1:
            arrows.append((WIDE / 2, y + box["height"], WIDE / 2, bottom + GAP - 2))
        y = bottom + GAP
    n, below = len(schemes), y - GAP
    each = (width - 20 * (n - 1)) / n if n else 0
    last = boxes[-1] if not steps[-1].out_title else boxes[-2]
    tallest = 0
    for i, scheme in enumerate(schemes):
        x = i * (each + 20)
        box = _box(x + 2, y + 14, each - 4, scheme.title, scheme.lines, int(LETTERS * each / WIDE))
        tallest = max(tallest, box["height"])
        boxes.append(box)
        arrows.append((x + each / 2, y - 6, x + each / 2, y + 12))
    for box in boxes[len(boxes) - n :]:
        box["height"] = tallest
    rail = None
    if n:
        centres = [each / 2, (n - 1) * (each + 20) + each / 2, WIDE / 2]
        rail = (min(centres), max(centres), y - 6)
        arrows.append((WIDE / 2, last["y"] + last["height"], WIDE / 2, y - 6))
    height = (y + 14 + tallest if n else below) + 4
    return {"width": width, "height": height, "boxes": boxes, "arrows": arrows, "rail": rail}


def _box(
    x: float,
    y: float,
    width: float,
    title: str,
    lines: list[str],
    letters: int,
    muted: bool = False,
) -> dict:
    wrapped = [
        part for line in lines for part in textwrap.wrap(line, letters, subsequent_indent="  ")
    ]
    titles = textwrap.wrap(title, int(letters * 0.85))
    text = [(y + PAD + 12 + i * LINE, part, True) for i, part in enumerate(titles)]
    text += [
        (y + PAD + 12 + (i + len(titles)) * LINE, part, False) for i, part in enumerate(wrapped)
    ]
    height = 2 * PAD + LINE * len(text)
    return {"x": x, "y": y, "width": width, "height": height, "text": text, "muted": muted}


def _exclusions(excluded: pd.DataFrame) -> list[str]:
    """Counts by stage, then by reason."""
    order = {stage: i for i, stage in enumerate(STAGES)}
    lines = []
    for stage in sorted(excluded["stage"].unique(), key=lambda s: (order.get(s, len(order)), s)):
        part = excluded[excluded["stage"] == stage]
        lines.append(f"{len(part)} {STAGES.get(stage, f'at {stage}' if stage else 'elsewhere')}:")
        reasons = part["reason"].replace("", "no reason recorded").value_counts(sort=False)
        reasons = reasons.sort_values(ascending=False, kind="stable")
        lines += [f"– {reason} ({count})" for reason, count in reasons.iloc[:REASONS].items()]
        rest = int(reasons.iloc[REASONS:].sum())
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
    mine = patients[patients["label"] == name]
    line = f"{name}: {_n(len(mine), 'patient')}"
    if "n_lesions" in mine and mine["n_lesions"].notna().any():
        line += f", {_n(int(mine['n_lesions'].sum()), 'lesion')}"
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
            each = (
                f"{sizes.min()}" if sizes.min() == sizes.max() else f"{sizes.min()}–{sizes.max()}"
            )
            times = f", {len(repeats)} repeats" if len(repeats) > 1 else ""
            lines = [f"every patient tested once{' per repeat' if times else ''}"]
            lines.append(f"{each} test patients in a fold, stratified by class")
            steps.append(Step(f"Cross-validation: {folds} folds{times}", lines))
        elif scheme == "site":
            sites = part["split"].nunique()
            lines = [f"each of {sites} sites tested in turn", "by what was learned at the others"]
            steps.append(Step(scheme_title(scheme), lines))
        else:
            known = scheme_title(scheme)
            title = known if known != scheme else f"Split {scheme}"
            roles = [r for r in ("train", "validation", "test") if (part["role"] == r).any()]
            lines = [_role(part, role, patients) for role in roles]
            steps.append(Step(title, lines))
    return steps


def _role(part: pd.DataFrame, role: str, patients: pd.DataFrame) -> str:
    ids = part.loc[part["role"] == role, "patient"].astype(str)
    text = f"{role}: {_n(len(ids), 'patient')}"
    if "n_lesions" in patients and patients["n_lesions"].notna().any():
        text += f", {_n(int(patients['n_lesions'].reindex(ids).sum()), 'lesion')}"
    return text


def _n(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 's'}"
