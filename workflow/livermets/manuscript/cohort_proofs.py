"""Proofs about patients and their division."""

from livermets.manuscript.cohort_facts import cohort_facts, split_facts
from livermets.manuscript.proof import CONFIG, Proof, proves
from livermets.manuscript.run_files import COHORT, RunFiles
from livermets.manuscript.wording import counted, enumerate_words
from livermets.study.schemes import scheme_of

SPLITS, FLOW, TABLE_1 = "splits.parquet", "figures/flow.svg", "tables/table1.tsv"


@proves(COHORT)
def sample_size(run: RunFiles) -> Proof:
    """How many parameters the cohort supports, by the criteria of Riley et al."""
    capacity = cohort_facts(run)["capacity"]
    if capacity is None:
        return Proof(
            COHORT, "a single class, or lesions of several classes in a patient", met=False
        )
    text = (
        f"{len(run.included)} patients, {capacity['few']} of class {capacity['label']}, support "
        f"{counted(capacity['supported'], 'parameter')} at an AUC of {capacity['auc']}"
    )
    return Proof(COHORT, text)


@proves(COHORT)
def eligibility(run: RunFiles) -> Proof:
    """Who was excluded by the workflow; who was listed, a person decided."""
    facts = cohort_facts(run)
    excluded = enumerate_words(facts["excluded"]) or "none"
    return Proof(COHORT, f"{facts['listed']} listed; excluded: {excluded}", met=None)


@proves(COHORT)
def centres(run: RunFiles) -> Proof:
    """Whether the patients come from several sites."""
    sites = cohort_facts(run)["sites"]
    if not sites:
        return Proof(COHORT, "no column `site`", met=None)
    return Proof(COHORT, counted(sites, "site"), met=sites > 1)


@proves(SPLITS)
def split_table(run: RunFiles) -> Proof:
    """How patients were divided, and how many stand on each side."""
    schemes = split_facts(run)["schemes"].values()
    return Proof(
        SPLITS, "; ".join(f"{part['title']}: {part['sizes']} patients" for part in schemes)
    )


@proves(SPLITS, "audit.json")
def partition(run: RunFiles) -> Proof:
    """Whether no patient stands on two sides of a split, and the leakage audit found nothing."""
    splits, audit = run.splits, run.json("audit.json")
    assert splits is not None and audit is not None
    roles = splits.groupby(["split", "patient"])["role"].nunique()
    twice = int((roles > 1).sum())
    failed = [check["title"] for check in audit["checks"] if check["outcome"] == "failed"]
    text = (
        f"{twice} patients on two sides of {splits['split'].nunique()} splits; "
        f"{len(failed)} of {len(audit['checks'])} questions of the leakage audit failed"
    )
    return Proof("audit.json", text, met=not twice and not failed)


@proves(COHORT)
def clinical_columns(run: RunFiles) -> Proof:
    """Which clinical columns the study has."""
    names = run.config["clinical"]
    if not names:
        return Proof(CONFIG, "clinical: [] (no clinical column)", met=False)
    return Proof(COHORT, f"columns {enumerate_words(names)}")


@proves(COHORT, "metrics.parquet")
def class_imbalance(run: RunFiles) -> Proof:
    """How many patients each class has, and how resampling was compared."""
    counts = run.included["label"].value_counts()
    metrics = run.metrics
    assert metrics is not None
    arms = metrics["arm"].unique()
    classes = enumerate_words(f"{count} {name}" for name, count in counts.items())
    ways = [way for way in ("none", "weights", "undersample", "smote") if _has(arms, way)]
    return Proof(COHORT, f"{classes}; arms with {enumerate_words(ways) or 'no resampling'}")


def _has(arms: object, way: str) -> bool:
    return any(str(arm).endswith(f"-{way}") for arm in arms)  # type: ignore[attr-defined]


@proves(FLOW, COHORT)
def flow_diagram(run: RunFiles) -> Proof:
    """The flow diagram, and whom it counts."""
    cohort = run.cohort
    assert cohort is not None
    return Proof(FLOW, f"{len(run.included)} of {len(cohort)} patients included")


@proves(TABLE_1)
def baseline_table(run: RunFiles) -> Proof:
    """Table 1; without a clinical column it does not describe the patients."""
    table, columns = run.table(TABLE_1), run.config["clinical"]
    assert table is not None
    named = enumerate_words(columns) or "no clinical column"
    return Proof(TABLE_1, f"{counted(len(table), 'row')}; {named}", met=bool(columns) or None)


@proves("tables/site_heterogeneity.tsv", SPLITS)
def site_differences(run: RunFiles) -> Proof:
    """Whether sites were compared."""
    name = "tables/site_heterogeneity.tsv"
    table, splits = run.table(name), run.splits
    assert table is not None and splits is not None
    schemes = {scheme_of(split)[0] for split in splits["split"].unique()}
    tested = schemes & {"site", "external"}
    if table.empty and not tested:
        return Proof(name, "no sites to compare", met=False)
    return Proof(name, f"{counted(len(table), 'row')}; schemes by site: {len(tested)}")
