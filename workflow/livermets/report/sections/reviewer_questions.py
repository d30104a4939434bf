"""Questions that reviewers ask, answered from the study's tables."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from livermets.core.text import list_names
from livermets.evaluation.claims import beats_reference
from livermets.evaluation.evaluate import REFERENCE
from livermets.evaluation.jackknife import PatientSample
from livermets.evaluation.levels import headline_level
from livermets.report.formatting import number, with_interval
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults
from livermets.study.arms import Arm
from livermets.study.patient_labels import has_several
from livermets.study.schemes import scheme_title

DOMINANT_SHARE = 0.25  # of a class's lesions, above which one patient is named
MODELS = ("radiomics", "deep", "fusion", "other")  # families of arms, baselines left out
NAMED_PATIENTS = 10  # at most so many are named in an answer


@dataclass(frozen=True)
class Answer:
    """A question with its answer.

    Parameters
    ----------
    question : str
        The question.
    short : str
        The answer in one sentence.
    good : bool or None
        Whether the answer supports the study's results; None where it is neither.
    detail : list of str
        Further sentences.
    """

    question: str
    short: str
    good: bool | None
    detail: list[str] = field(default_factory=list)

    @property
    def tone(self) -> str:
        """The style class of the answer: good, bad or neutral."""
        return {True: "good", False: "bad", None: "neutral"}[self.good]


def context(results: StudyResults) -> dict[str, Any]:
    """The answers."""
    return {
        "answers": [
            patient_overlap(results.splits, results.audit),
            interval_widths(results.metrics),
            lesion_size(results.metrics, results.differences),
            dominant_patients(results.included, results.metrics),
        ]
    }


def patient_overlap(splits: pd.DataFrame, audit: dict[str, Any] | None = None) -> Answer:
    """Whether any patient has two roles in one split."""
    question = "Are patients ever on both sides of a split?"
    roles = splits.drop_duplicates(["split", "patient", "role"])
    overlap = roles[roles.duplicated(["split", "patient"], keep=False)]
    checked = (
        f"Checked in all {splits['split'].nunique()} splits of {splits['patient'].nunique()} "
        "patients"
    )
    if not overlap.empty:
        names = ", ".join(sorted(overlap["patient"].astype(str).unique())[:NAMED_PATIENTS])
        short = f"Yes: {overlap['patient'].nunique()} patients ({names})."
        return Answer(question, f"{short} The results below are not valid.", False, [f"{checked}."])
    detail = [f"{checked}: the training, validation and test parts share no patient."]
    if audit is None:
        detail.append("Patients are compared by their ids: one person under two ids is not found.")
        return Answer(question, "No.", True, detail)
    outcomes = Counter(check["outcome"] for check in audit["checks"])
    images = any("images" in check["looked_at"] for check in audit["checks"])
    compared = "CTs, masks, voxels and features" if images else "features"
    detail.append(
        f"The leakage audit also compared the {compared} of different patients, to find one person "
        "under two ids, and the test patients of every arm with its training patients."
    )
    if outcomes["warned"]:
        detail.append(f"{outcomes['warned']} of its checks ended in a warning: see below.")
    return Answer(question, "No.", True, detail)


def interval_widths(metrics: pd.DataFrame) -> Answer:
    """How wide the intervals of the AUC are, and how many of them exclude 0.5."""
    auc = _auc(metrics)
    auc = auc[auc["arm"].map(lambda arm: Arm.parse(arm).family).isin(MODELS)]
    detail, short = [], []
    for scheme, rows in _by_scheme(auc):
        title = scheme_title(scheme)
        finite = rows[np.isfinite(rows["low"])]
        if finite.empty:
            detail.append(f"{title}: no arm has an interval of its AUC.")
            continue
        width = (finite["high"] - finite["low"]).median()
        short.append(f"{title.lower()}, median width {number(width)}")
        above, below = (finite["low"] > 0.5).sum(), (finite["high"] < 0.5).sum()
        perfect = finite[finite["value"] >= 1]
        if len(perfect) and (perfect["low"] <= 0.5).all():
            detail.append(
                f"{title} ({_patients(finite)} test patients): even the interval of an AUC of 1 "
                "holds 0.5, so these patients cannot show that an arm is better than chance."
            )
            continue
        detail.append(
            f"{title} ({_patients(finite)} test patients): the interval of the AUC lies above 0.5 "
            f"in {above} and below 0.5 in {below} of {len(finite)} arms. By chance alone, about "
            f"{number(0.05 * len(finite), 1)} intervals would exclude 0.5."
        )
    detail.append(
        f"All are 95 % score intervals over patients, by {headline_level(metrics['level'])}. They "
        "hold the trained models "
        "fixed; the spread between single splits stands with each scheme."
    )
    text = "; ".join(short) or "none could be computed"
    return Answer("How wide are the intervals?", f"Of the AUC: {text}.", None, detail)


def lesion_size(metrics: pd.DataFrame, differences: pd.DataFrame | None) -> Answer:
    """Whether lesion volume alone classifies as well as the models."""
    question = "Does lesion size explain the results?"
    volume = _auc(metrics)
    volume = volume[volume["arm"] == REFERENCE]
    if volume.empty:
        reason = (
            "The baseline of lesion volume alone was not part of this run (no volume column, or "
            "not chosen in classification.baselines)."
        )
        return Answer(question, "Not answered in this run.", None, [reason])
    detail, short, good = [], [], []
    for scheme, rows in _by_scheme(volume):
        title = scheme_title(scheme)
        value = with_interval(*rows.iloc[0][["value", "low", "high"]])
        level = headline_level(metrics["level"])
        detail.append(f"{title}: lesion volume alone has an AUC by {level} of {value}.")
        pairs = _differences_from_volume(differences, scheme, level)
        if pairs.empty:
            continue
        claims = beats_reference(metrics, pairs, level)
        beats = int(claims["beats"].sum())
        good.append(beats > 0)
        short.append(f"{title.lower()}, {beats} of {len(claims)} arms beat lesion volume")
        detail[-1] += (
            f" The paired difference is above zero after Holm's correction in "
            f"{int(claims['difference_above_zero'].sum())} of {len(claims)} arms, and the arm's "
            f"own interval lies above 0.5 in {int(claims['above_chance'].sum())}; an arm beats "
            "volume only where both hold."
        )
    text = ("In " + "; in ".join(short) + ".") if short else "See the AUCs below."
    return Answer(question, text, all(good) if good else None, detail)


def dominant_patients(included: pd.DataFrame, metrics: pd.DataFrame) -> Answer:
    """Whether few patients hold so many lesions that they decide the results by lesion."""
    question = "Do few patients decide the results by lesion?"
    if "n_lesions" not in included or included["n_lesions"].isna().all():
        return Answer(question, "The numbers of lesions are not known.", None)
    if has_several(included["label"]):
        return Answer(question, "Not answered: patients have lesions of several classes.", None)
    detail, dominant = [], []
    for name, group in included.groupby("label", sort=True):
        lesions = group["n_lesions"].fillna(0).to_numpy(float)
        patients = PatientSample(np.full(len(group), str(name)), lesions)
        effective = patients.effective_number(np.ones(len(group), bool))
        largest = str(group["patient"].to_numpy()[lesions.argmax()])
        share = lesions.max() / lesions.sum()
        if share > DOMINANT_SHARE:
            dominant.append(largest)
        detail.append(
            f"{name}: patient {largest} has {lesions.max():.0f} of {lesions.sum():.0f} "
            f"lesions ({100 * share:.0f} %). By lesion, the {len(group)} patients tell as much as "
            f"{effective:.1f} with equally many lesions (Kish)."
        )
    detail.append(
        "By patient, and where each patient's lesions share one weight, all patients count alike. "
        "The setting classification.weigh: patients trains that way, too."
    )
    if not dominant:
        return Answer(question, "No patient has a quarter of a class's lesions.", True, detail)
    return Answer(question, f"Yes: {list_names(dominant)}.", False, detail)


def _differences_from_volume(
    differences: pd.DataFrame | None, scheme: str, level: str
) -> pd.DataFrame:
    if differences is None or differences.empty:
        return pd.DataFrame()
    return differences[
        (differences["scheme"] == scheme)
        & (differences["level"] == level)
        & (differences["against"] == "volume")
    ]


def _auc(metrics: pd.DataFrame) -> pd.DataFrame:
    """The AUCs of the main result; with three or more classes their mean over the classes."""
    headline = (metrics["metric"] == "auc") & (metrics["level"] == headline_level(metrics["level"]))
    return metrics[headline & (metrics["class"] == "")]


def _by_scheme(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each scheme, the hold-out first."""
    schemes = sorted(rows["scheme"].unique(), key=lambda scheme: (scheme != "holdout", scheme))
    return [(scheme, rows[rows["scheme"] == scheme]) for scheme in schemes]


def _patients(rows: pd.DataFrame) -> str:
    low, high = rows["n_patients"].min(), rows["n_patients"].max()
    return f"{low}" if low == high else f"{low}–{high}"


SECTION = Section("questions", "Questions of reviewers", "reviewer_questions.html.j2", context)
