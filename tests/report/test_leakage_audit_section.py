"""The leakage audit in the report."""

from helpers.report import render


def test_the_audit_stands_in_the_report_with_its_warnings(results):
    assert "audit was not part of this run" in render(results)
    finding = {"outcome": "warned", "patients": ["P01", "P1"], "text": "P01 and P1 <may> be one"}
    audit = {"passed": True, "checks": [
        {"check": "Two sides?", "outcome": "passed", "looked_at": "11 splits", "findings": []},
        {"check": "A CT?", "outcome": "not applicable", "looked_at": "", "findings": []},
        {"check": "Ids?", "outcome": "warned", "looked_at": "14 ids", "findings": [finding]},
    ]}  # fmt: skip
    audit["checks"].append(
        {"check": "Near?", "outcome": "not looked at", "looked_at": "", "findings": [],
         "impossible": "the table has 2 patients"})  # fmt: skip
    page = render(results, audit=audit)
    for text in ("11 splits", "nothing of the kind", "P01 and P1 &lt;may&gt; be one",
                 "1 of its checks ended in a warning", "not known",
                 "could not be looked at, because the table has 2 patients"):  # fmt: skip
        assert text in page
