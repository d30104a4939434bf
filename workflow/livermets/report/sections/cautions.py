"""Cautions: what a reader must know before the result, each in a sentence with its section."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from livermets.cohort.sample_size import parameters_supported, r2_of_auc, smallest_class
from livermets.report.formatting import number, p_value
from livermets.report.main_result import MainResult
from livermets.report.sections.masks import check_warnings
from livermets.report.sections.reviewer_questions import dominant_patients
from livermets.report.study_results import StudyResults
from livermets.review.review_tables import STATUS
from livermets.sensitivity.label_permutation import count_intervals_excluding_chance
from livermets.study.outputs import LEVELS
from livermets.study.patient_labels import has_several
from livermets.study.schemes import scheme_title

EXTERNAL = ("external", "site")  # schemes that test sites whose patients have trained nothing
ASSUMED_AUC = 0.8  # of a model, for the number of features that a cohort can carry
NO_REVIEW = "automatic"  # source of a mask that no person has made or corrected


@dataclass(frozen=True)
class Caution:
    """What a reader must know about one topic.

    Parameters
    ----------
    topic : str
        The topic in a few words.
    text : str
        One or two sentences.
    good : bool
        Whether nothing speaks against the result.
    anchor : str
        The section of the report with the details; "" where there is none.
    """

    topic: str
    text: str
    good: bool
    anchor: str = ""

    @property
    def tone(self) -> str:
        """The style class: good or bad."""
        return "good" if self.good else "bad"

    @property
    def word(self) -> str:
        """The tone as a word, for readers who do not see the colour."""
        return "No objection" if self.good else "Caution"


def cautions(results: StudyResults, main: MainResult | None) -> list[Caution]:
    """List what a reader must know first, in the order of its weight.

    Parameters
    ----------
    results : StudyResults
        The results of the study.
    main : MainResult or None
        The main result.
    """
    about: tuple[Callable[[StudyResults], Caution | None], ...] = (
        _audit,
        _masks,
        _controls,
        _dominant_patients,
        _lesion_labels,
        _external,
    )
    listed = [caution for make in about if (caution := make(results)) is not None]
    return [*listed, *([_choice(results, main)] if main else [])]


def capacity(results: StudyResults) -> str:
    """Say in two sentences how many candidate features the cohort can carry (Riley et al. 2020).

    Returns
    -------
    str
        "" with patients of fewer than two classes, or with several.
    """
    labels = list(results.included["label"])
    if len(set(labels)) < 2 or has_several(labels):
        return ""
    label, few, patients = smallest_class(labels)
    share = few / patients
    supported = parameters_supported(patients, share, r2_of_auc(ASSUMED_AUC, share))
    features = "no candidate feature" if not supported else f"{supported} candidate feature"
    text = (
        f"{patients} patients, {few} of class {label}, can carry {features}"
        f"{'s' if supported > 1 else ''} if a model has an AUC of {ASSUMED_AUC:g} (Riley et al. "
        "2020)."
    )
    candidates = max((int(fit["features"].max()) for fit in results.fits), default=None)
    if candidates is None:
        return text
    return f"{text} The arms chose among {candidates}."


def _audit(results: StudyResults) -> Caution:
    """How many questions of the leakage audit ended how."""
    if results.audit is None:
        text = "Nobody looked for leaks between training and test patients: no audit was run."
        return Caution("Leaks", text, good=False, anchor="audit")
    outcomes = Counter(check["outcome"] for check in results.audit["checks"])
    asked = outcomes.total() - outcomes["not applicable"]
    parts = [f"The audit asked {asked} questions. {outcomes['passed']} found nothing"]
    if outcomes["warned"]:
        parts.append(f"{outcomes['warned']} named something that a person should check")
    if outcomes["failed"]:
        parts.append(f"{outcomes['failed']} found a leak")
    if outcomes["not looked at"]:
        parts.append(f"{outcomes['not looked at']} could not be answered")
    good = outcomes["passed"] == asked
    return Caution("Leaks", "; ".join(parts) + ".", good, anchor="audit")


def _masks(results: StudyResults) -> Caution | None:
    """How many masks no person has made or corrected, and how many have warnings."""
    included = results.included
    if results.from_features or "mask_source" not in included:
        return None
    automatic = int((included["mask_source"].fillna("") == NO_REVIEW).sum())
    accepted = _accepted_automatic(results)
    warned = len(check_warnings(results.mask_checks))
    if automatic and accepted is not None:
        automatic -= accepted
        text = (
            f"{automatic} of {len(included)} masks are automatic, and no reader has accepted them."
            if automatic
            else "A person made, corrected or accepted the mask of every patient."
        )
    elif automatic:
        text = f"{automatic} of {len(included)} masks are automatic: no person has corrected them."
    else:
        text = f"A person made or corrected the masks of all {len(included)} patients."
    if warned:
        text += f" The checks warn of {warned} mask{'s' if warned > 1 else ''}."
    return Caution("Masks", text, good=not automatic and not warned, anchor="masks")


def _accepted_automatic(results: StudyResults) -> int | None:
    """How many included patients have automatic masks that a reader accepted; None if none are."""
    if results.reviews is None:
        return None
    status = results.reviews.status
    rows = results.included
    automatic = set(rows.loc[rows["mask_source"] == NO_REVIEW, "patient"].astype(str))
    of_patient = status.groupby("patient")["status"].agg(lambda of: set(of) == {STATUS["accept"]})
    accepted = sum(bool(of_patient.get(patient, False)) for patient in automatic)
    return accepted or None


def _controls(results: StudyResults) -> Caution:
    """What the negative controls found."""
    texts, good = [], True
    if (test := results.permutation_test) is not None:
        level = next(level for level in LEVELS if level in test)
        values = test[level]
        texts.append(
            f"With labels permuted between patients, the main arm has an AUC by {level} of "
            f"{number(values['mean'])} on average, and with the true ones {number(values['auc'])} "
            f"(p = {p_value(values['p'])})"
        )
        good = values["p"] < 0.05
    if results.permuted_metrics is not None:
        for count in count_intervals_excluding_chance(results.permuted_metrics):
            outside = count["above"] + count["below"]
            texts.append(
                f"With permuted labels, {outside} of {count['arms']} arms leave out 0.5 "
                f"({scheme_title(count['scheme']).lower()}; up to {count['allowed']} happen by "
                "chance)"
            )
            good = good and not count["warn"]
    if not texts:
        text = "No control with permuted labels was run (setting `controls`)."
        return Caution("Controls", text, good=False)
    return Caution("Controls", ". ".join(texts) + ".", good, anchor="controls")


def _dominant_patients(results: StudyResults) -> Caution | None:
    """Whether one patient holds so many lesions that results by lesion are that patient's."""
    answer = dominant_patients(results.included, results.metrics)
    if answer.good is None:
        return None
    text = answer.short
    if not answer.good:
        named = answer.short.removeprefix("Yes: ").removesuffix(".")
        text = f"More than a quarter of a class's lesions are from one patient ({named})."
    return Caution("Lesions", text, answer.good, anchor="questions")


def _lesion_labels(results: StudyResults) -> Caution | None:
    """Why there are no results by patient, where lesions carry the label."""
    several = sum(has_several([label]) for label in results.included["label"])
    if not several:
        return None
    text = (
        f"The label belongs to the lesion (`label_of: lesion`). {several} of "
        f"{len(results.included)} patients have lesions of several classes and so no class of "
        "their own: results by patient are left out. Patients divide the folds."
    )
    return Caution("Labels", text, good=False)


def _external(results: StudyResults) -> Caution:
    """Whether patients of other sites were tested."""
    tested = [scheme for scheme in results.schemes if scheme in EXTERNAL]
    if tested:
        titles = " and ".join(scheme_title(scheme).lower() for scheme in tested)
        text = f"Sites whose patients trained nothing were tested ({titles})."
        return Caution("Other sites", text, good=True, anchor=tested[0])
    text = "No other site was tested: patients from elsewhere may be classified worse."
    return Caution("Other sites", text, good=False)


def _choice(results: StudyResults, main: MainResult) -> Caution:
    """That the main arm is not the best of many on the test patients."""
    arms = len(results.arms)
    text = (
        f"{arms} arms were evaluated. The one above was named before the results were seen, not "
        "because it was the best on the test patients."
    )
    return Caution("Choice of the arm", text, good=True, anchor=main.scheme)
