"""Proofs about models: features they chose, tuning, selection, software."""

from pathlib import Path

from livermets.manuscript.image_proofs import FEATURES
from livermets.manuscript.model_facts import model_facts
from livermets.manuscript.proof import CONFIG, Proof, proves
from livermets.manuscript.run_files import RunFiles
from livermets.manuscript.wording import counted, enumerate_words
from livermets.study.names import DENSENET

CHOSEN, METRICS = "models/*/chosen.tsv", "metrics.parquet"
SELECTED = "predictions/selected.parquet"
EVENTS_PER_FEATURE = 10  # training patients of the smaller class for one feature, a rule of thumb


@proves(FEATURES)
def missing_data(run: RunFiles) -> Proof:
    """How many features are missing; medians of the training patients stand in for them."""
    table = run.features
    assert table is not None
    missing = int(table.select_dtypes("number").isna().sum().sum())
    text = f"{counted(missing, 'empty cell')}; replaced by medians of the training patients"
    return Proof(FEATURES, text)


@proves(CHOSEN)
def pipeline(run: RunFiles) -> Proof:
    """In how many fits the pipeline of scaling and selection was fitted on training patients."""
    fits = sum(len(table) for table in _chosen(run))
    return Proof(CHOSEN, f"{counted(fits, 'fit')}; standardised with training patients only")


@proves(CHOSEN)
def redundant_features(run: RunFiles) -> Proof:
    """Whether correlated features were removed."""
    counts = model_facts(run)["features"]
    if counts is None:
        return Proof(CHOSEN, "no classifier of the run has chosen features", met=False)
    limit = run.config["classification"]["max_correlation"]
    text = (
        f"median of {counts['selected']} of {counts['candidates']} features after the filter of "
        f"|r| > {limit}"
    )
    return Proof(CHOSEN, text, met=counts["selected"] < counts["candidates"])


@proves(CHOSEN, "splits.parquet", "cohort.tsv")
def dimensionality(run: RunFiles) -> Proof:
    """Whether the smaller class has ten training patients for each feature learned from."""
    counts, splits = model_facts(run)["features"], run.splits
    assert splits is not None
    if counts is None:
        return Proof(CHOSEN, "no classifier of the run has chosen features", met=False)
    labels = run.included.set_index("patient")["label"]
    train = splits[splits["role"] == "train"]
    sizes = train.groupby(["split", train["patient"].map(labels)]).size()
    few = int(sizes.groupby("split").min().median())
    text = (
        f"median of {counts['selected']} features for {few} training patients of the smaller class"
    )
    return Proof(CHOSEN, text, met=few >= EVENTS_PER_FEATURE * counts["selected"])


@proves(METRICS)
def algorithms(run: RunFiles) -> Proof:
    """Which models were evaluated."""
    facts = model_facts(run)
    deep = ["DenseNet-121"] if facts["densenet"] else []
    names = [text for text in (facts["classifiers"], *deep) if text]
    return Proof(METRICS, f"{counted(facts['arms'], 'arm')}: {enumerate_words(names)}")


@proves(CHOSEN)
def tuning(run: RunFiles) -> Proof:
    """How hyperparameters were tuned."""
    settings = run.config["classification"]["tuning"]
    if not settings["iterations"]:
        return Proof(CHOSEN, "classification.tuning.iterations: 0 (defaults kept)")
    text = f"{settings['iterations']} settings in {settings['folds']} inner folds of patients"
    return Proof(CHOSEN, text)


@proves()
def model_selection(run: RunFiles) -> Proof:
    """Whether an arm was selected without the test patients."""
    if not run.has(SELECTED):
        return Proof(SELECTED, "no arm was selected by inner folds", met=None)
    return Proof(SELECTED, "one arm selected in each split by inner folds")


@proves(f"models/{DENSENET}/*/history.tsv")
def initial_parameters(run: RunFiles) -> Proof:
    """That DenseNet-121 started from random numbers, and from which seed."""
    names = run.names(f"models/{DENSENET}/*/history.tsv")
    text = f"DenseNet-121 from scratch in {counted(len(names), 'split')}, seed {run.config['seed']}"
    return Proof(f"models/{DENSENET}/*/history.tsv", text)


@proves()
def deep_robustness(run: RunFiles) -> Proof:
    """Whether the robustness of DenseNet-121 was tested, which the workflow does not do."""
    return Proof(CONFIG, "DenseNet-121 is not tested on perturbed images", met=False)


@proves("manuscript/methods.txt")
def software(run: RunFiles) -> Proof:
    """The software of the run with its versions."""
    text = (run.results / "manuscript/methods.txt").read_text(encoding="utf-8")
    if "Software" not in text:
        return Proof("manuscript/methods.txt", "no section on software", met=False)
    return Proof("manuscript/methods.txt", "section Software, with versions")


@proves("manuscript/methods.txt")
def methods_file(run: RunFiles) -> Proof:
    """The methods section; where it is published, a person must say."""
    return Proof("manuscript/methods.txt", "methods section of the run", met=None)


@proves("predictions/*.parquet")
def predictions(run: RunFiles) -> Proof:
    """The prediction tables."""
    names = [Path(name).stem for name in run.names("predictions/*.parquet")]
    return Proof("predictions/*.parquet", f"scores of {counted(len(names), 'arm')}")


@proves("importance.parquet")
def importance(run: RunFiles) -> Proof:
    """Which feature matters most."""
    table = run.table("importance.parquet")
    assert table is not None
    if table.empty:
        return Proof("importance.parquet", "no feature is ranked", met=False)
    first = table.sort_values("rank").iloc[0]["feature"]
    text = f"permutation importance of {counted(len(table), 'feature')}, {first} first"
    return Proof("importance.parquet", text)


@proves("importance.parquet", FEATURES)
def feature_statistics(run: RunFiles) -> Proof:
    """How many features were ranked, and whether their stability is known."""
    stability = "with" if run.has("icc.parquet") else "without"
    table = run.table("importance.parquet")
    assert table is not None
    text = f"{counted(len(table), 'feature')} ranked, {stability} ICC of perturbed lesions"
    return Proof("importance.parquet", text)


def _chosen(run: RunFiles) -> list:
    return [table for name in run.names(CHOSEN) if (table := run.table(name)) is not None]
