"""The leakage audit: whether test patients were independent of training patients."""

from typing import Any

from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults

OUTCOMES = {
    "passed": "no",
    "warned": "check this",
    "failed": "yes",
    "not looked at": "not known",
}  # outcome -> its words

LONG_FINDING = 300  # characters, beyond which a finding is folded away


def context(results: StudyResults) -> dict[str, Any] | None:
    """The checks with their outcomes and findings."""
    checks = [_row(check) for check in (results.audit or {})["checks"]]
    return {"checks": checks, "long": LONG_FINDING}


def _row(check: dict[str, Any]) -> dict[str, Any]:
    findings = [finding["text"] for finding in check["findings"]]
    data = check["looked_at"] or "nothing of the kind in this study"
    if check.get("impossible"):
        data = f"could not be looked at, because {check['impossible']}"
    return {
        "question": check["check"],
        "style": check["outcome"].replace(" ", "-"),
        "outcome": OUTCOMES.get(check["outcome"], "–"),
        "data": data,
        "findings": [f"{text[:1].upper()}{text[1:]}." for text in findings],
    }


SECTION = Section(
    "audit",
    "Leakage audit",
    "leakage_audit.html.j2",
    context,
    needs=("audit",),
    caption="Scaling, feature selection, resampling and tuning are fitted on training rows only. "
    "A test of this package confirms it: other test rows leave every fitted pipeline identical, "
    "byte for byte.",
    absent="The leakage audit was not part of this run.",
)
