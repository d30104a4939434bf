"""Facts of the cohort for the methods section: who was listed, left out, analysed and divided."""

from typing import Any

from livermets.cohort.cohort_table import BY_CONFIG, BY_READER
from livermets.cohort.sample_size import parameters_supported, r2_of_auc, smallest_class
from livermets.manuscript.run_files import RunFiles
from livermets.manuscript.wording import counted, enumerate_words
from livermets.study.patient_labels import has_several, patient_groups
from livermets.study.schemes import TITLES, scheme_of

ASSUMED_AUC = 0.8  # of the model, for the number of features that the cohort carries
STAGES = {
    BY_CONFIG: "left out in the configuration",
    "import": "at the import of the CT",
    "inclusion": "by the criteria of acquisition",
    "review": "at the review of the masks",
    BY_READER: "by a reader who reviewed the mask",
    "lesions": "without a lesion that could be characterised",
}  # stage of the cohort table -> words; other stages by their own name


def cohort_facts(run: RunFiles) -> dict[str, Any]:
    """Collect numbers of patients and lesions, the reasons of exclusion and the sample size."""
    cohort, included = run.cohort, run.included
    facts: dict[str, Any] = {"known": cohort is not None, "phantoms": bool(run.config["phantoms"])}
    if cohort is None:
        return facts
    out = cohort[~cohort["included"]]
    sites = included["site"].dropna().nunique() if "site" in included else 0
    scans = run.table("scans.tsv")
    return facts | {
        "listed": counted(len(cohort), "patient"),
        "excluded": [
            f"{len(rows)} {STAGES.get(str(stage), f'at the stage {stage}')}"
            for stage, rows in out.groupby("stage", sort=False)
        ],
        "analysed": counted(len(included), "patient"),
        "classes": enumerate_words(map(_class_words, *_classes(run))),
        "sites": sites,
        "clinical": enumerate_words(run.config["clinical"]),
        "scans": None if scans is None else counted(int(scans["included"].sum()), "scan"),
        "capacity": _capacity(list(included["label"])),
    }


def _classes(run: RunFiles) -> tuple[list[str], list[int], list[int]]:
    names = patient_groups(run.included["label"], run.config["classes"])
    groups = [run.included[run.included["label"] == name] for name in names]
    return names, [len(group) for group in groups], [int(g["n_lesions"].sum()) for g in groups]


def _class_words(name: str, patients: int, lesions: int) -> str:
    return f"{counted(patients, 'patient')} with {name} primary ({counted(lesions, 'lesion')})"


def _capacity(labels: list[str]) -> dict[str, Any] | None:
    """How many features the cohort carries at the assumed AUC; None where it cannot be said."""
    if len(set(labels)) < 2 or has_several(labels):
        return None
    label, few, patients = smallest_class(labels)
    share = few / patients
    supported = parameters_supported(patients, share, r2_of_auc(ASSUMED_AUC, share))
    return {"label": label, "few": few, "auc": ASSUMED_AUC, "supported": supported}


def split_facts(run: RunFiles) -> dict[str, Any]:
    """Collect the schemes with the numbers of their patients, and what configures them."""
    splits = run.splits
    if splits is None:
        return {"known": False}
    schemes = splits["split"].map(lambda split: scheme_of(split)[0])
    parts = {}
    for scheme, rows in splits.groupby(schemes, sort=False):
        sizes = rows.groupby(["split", "role"]).size().unstack(fill_value=0)
        roles = [role for role in ("train", "validation", "test") if role in sizes]
        parts[str(scheme)] = {
            "title": TITLES[str(scheme)].lower(),
            "splits": len(sizes),
            "sizes": enumerate_words(f"{_span(sizes[role])} {role}" for role in roles),
        }
    return {"known": True, "schemes": parts, **run.config["splits"]}


def _span(sizes: Any) -> str:
    low, high = int(sizes.min()), int(sizes.max())
    return f"{low}" if low == high else f"{low} to {high}"
