"""The section of the sites: there where sites are tested in turn."""

from helpers.report import render


def test_the_sites_are_listed_with_what_their_patients_do_not_allow(results):
    cohort = results.cohort.assign(
        site=["A", "B"] * (len(results.cohort) // 2) + ["A"] * (len(results.cohort) % 2)
    )
    one_class = cohort["label"] == results.classes[0]
    cohort.loc[one_class & (cohort.index < 6), "site"] = "C"
    config = results.config | {"splits": {"site": {"test": "each", "validation": 0}}}
    page = render(results, cohort=cohort, config=config)
    assert 'id="sites"' in page
    assert f"all patients are of class {results.classes[0]}: they are tested" in page
    config = results.config | {"splits": {"site": {"test": ["C"], "validation": 0}}}
    assert 'id="sites"' not in render(results, cohort=cohort, config=config)
