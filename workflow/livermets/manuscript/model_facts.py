"""Facts of the models and the statistics for the methods section."""

from typing import Any

from livermets.evaluation.levels import BY_PATIENT
from livermets.manuscript.run_files import RunFiles
from livermets.manuscript.wording import enumerate_words
from livermets.study.arms import BASELINES, RESAMPLINGS, SELECTED, Arm
from livermets.study.classifiers import CLASSIFIERS
from livermets.study.names import DENSENET
from livermets.study.pooling import LESION_POOLING, PATIENT_POOLING

WARNING_OUTCOMES = ("warned", "failed")  # of the leakage audit


def arms_of(run: RunFiles) -> list[Arm]:
    """List the evaluated arms in the order of the tables."""
    metrics = run.metrics
    return [] if metrics is None else sorted(map(Arm.parse, metrics["arm"].unique()))


def model_facts(run: RunFiles) -> dict[str, Any]:
    """Collect classifiers, resampling, tuning, baselines and deep learning of the run."""
    arms = arms_of(run)
    trained = [arm for arm in arms if arm.model in CLASSIFIERS]
    models = dict.fromkeys(arm.model for arm in trained)
    ways = [way for way in RESAMPLINGS if any(arm.resampling == way for arm in trained)]
    settings = run.config["classification"]
    baselines = [title for name, title in BASELINES.items() if f"baseline_{name}" in map(str, arms)]
    return {
        "known": bool(arms),
        "arms": len(arms),
        "classifiers": enumerate_words(CLASSIFIERS[name].title for name in models),
        "names": set(models),
        "resamplings": enumerate_words(RESAMPLINGS[way] for way in ways),
        "smote": "smote" in ways,
        "features": _feature_counts(run, trained),
        "correlation": settings["max_correlation"],
        "max_features": settings["max_features"],
        "weigh": settings["weigh"],
        "iterations": settings["tuning"]["iterations"],
        "folds": settings["tuning"]["folds"],
        "selected": any(arm.model == SELECTED for arm in arms),
        "baselines": enumerate_words(title.lower() for title in baselines),
        "densenet": any(arm.model.startswith(DENSENET) for arm in arms),
        "deep": run.config["densenet"] or {},
        "slices": run.config["slices"],
        "lesion_pooling": [LESION_POOLING[name] for name in run.config["pooling"]["lesion"]],
        "patient_pooling": [PATIENT_POOLING[name] for name in run.config["pooling"]["patient"]],
        "fused": [arm.title for arm in arms if arm.family == "fusion"],
        "added": [arm.title for arm in arms if arm.family == "other"],
    }


def _feature_counts(run: RunFiles, trained: list[Arm]) -> dict[str, int] | None:
    """Candidate features and the median number that classifiers learned from."""
    tables = [run.table(f"models/{arm}/chosen.tsv") for arm in trained]
    rows = [row for table in tables if table is not None for row in table.to_dict("records")]
    if not rows:
        return None
    chosen = sorted(int(row["selected"]) for row in rows)
    candidates = max(int(row["features"]) for row in rows)
    return {"candidates": candidates, "selected": chosen[len(chosen) // 2]}


def statistics_facts(run: RunFiles) -> dict[str, Any]:
    """Collect threshold, comparisons, controls and the outcome of the leakage audit."""
    evaluation = run.config["evaluation"]
    pair = _primary(run)
    test = run.json("permutation_test.json")
    audit = run.json("audit.json")
    outcomes = [check["outcome"] for check in audit["checks"]] if audit else []
    classes = run.config["classes"]
    return {
        "known": run.metrics is not None,
        "multiclass": len(classes) > 2,
        "by_patient": run.metrics is not None and BY_PATIENT in set(run.metrics["level"]),
        "positive": run.config["positive"],
        "youden": evaluation["threshold"] == "youden",
        "threshold": evaluation["threshold"],
        "threshold_level": evaluation["threshold_level"],
        "prevalence": evaluation["target_prevalence"],
        "primary": None if pair is None else [Arm.parse(name).title for name in pair],
        "permutations": evaluation["permutations"] if test is not None else None,
        "permuted": run.has("permuted_labels/metrics.parquet"),
        "audited": len(outcomes),
        "warned": sum(outcome in WARNING_OUTCOMES for outcome in outcomes),
        "calibration": run.metrics is not None
        and bool(run.metrics["metric"].str.startswith("calibration").any()),
        "seed": run.config["seed"],
    }


def _primary(run: RunFiles) -> tuple[str, str] | None:
    """Arm and reference of the primary comparison."""
    pairs = run.table("differences.parquet")
    if pairs is None or pairs.empty:
        return None
    rows = pairs[pairs["primary"].astype(bool)]
    return None if rows.empty else (str(rows.iloc[0]["arm"]), str(rows.iloc[0]["reference"]))
