"""The report: one file, everything escaped, and missing parts named."""

import re
from html.parser import HTMLParser

from helpers.report import render
from livermets.report.formatting import with_interval


class Checker(HTMLParser):
    """Collects what a browser would fetch, the ids, and tags left open."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched, self.ids, self.targets, self.open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.fetched += [given[name] for name in ("src", "srcset", "data") if name in given]
        self.fetched += [given["href"]] if tag == "link" else []
        self.targets += [given["href"]] if tag == "a" and given["href"].startswith("#") else []
        self.ids += [given["id"]] if "id" in given else []
        if tag not in ("meta", "img", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_one_well_formed_file_that_fetches_nothing(results, study):
    page = render(results, differences=study.differences)
    checker = Checker()
    checker.feed(page)
    assert not checker.open
    assert all(source.startswith("data:") for source in checker.fetched)
    assert "default-src 'none'; img-src data:;" in page
    inside = r"url\((?!%23|#)"  # a figure may refer to its own parts
    assert not re.search(inside + r"|@import|\b(fetch|XMLHttpRequest|import)\b *\(", page)
    assert {target[1:] for target in checker.targets} <= set(checker.ids)
    assert len(set(checker.ids)) == len(checker.ids)


def test_every_section_stands_and_numbers_are_formatted(results, study):
    page = render(results, differences=study.differences)
    for text in ("Table 1", "Table 2", "Table 3: hold-out", "Table 3: cross-validation", "SMOTE",
                 "DenseNet-121", "Lesion volume alone", "seed: 2023", "scikit-learn",
                 "10.1186/s40644-023-00612-4", "the DICOM folder holds two series"):  # fmt: skip
        assert text in page, text
    auc = study.metrics.query("arm == 'knn-smote' and scheme == 'cv' and level == 'lesion'").iloc[0]
    assert with_interval(auc["value"], auc["low"], auc["high"]) in page
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)


def test_the_same_tables_give_the_same_bytes(results):
    assert render(results) == render(results)


def test_what_a_person_wrote_is_escaped(results):
    cohort = results.cohort.copy()
    cohort.loc[len(cohort) - 1, "reason"] = "<script>alert('x')</script> & more"
    page = render(results, cohort=cohort, config=results.config | {"note": "</pre><b>"})
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more" in page
    assert "&lt;/pre&gt;&lt;b&gt;" in page


def test_a_study_from_features_says_what_it_does_not_have(results):
    cohort = results.included[["patient", "label", "included"]]
    cohort = cohort.assign(n_lesions=3, stage="", reason="")
    radiomics = results.metrics[~results.metrics["arm"].isin(["densenet121", "baseline_volume"])]
    page = render(
        results,
        metrics=radiomics,
        cohort=cohort,
        config=results.config | {"features": "mine.csv", "clinical": []},
        importance=None,
    )
    for text in ("There are no images in this study", "DenseNet-121 was not part of this run",
                 "There are no masks in this run", "No feature importance", "Not answered",
                 "no baseline to compare with", "None: all 14 patients"):  # fmt: skip
        assert text in page, text
