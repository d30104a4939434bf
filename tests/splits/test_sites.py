"""Sites tested in turn: what the mix of classes at a site does not allow is said."""

import pandas as pd
from livermets.splits.patient_splits import split_patients
from livermets.splits.sites import site_table, split_notes

EACH = {"test": "each", "validation": 0}


def cohort(**sites: str) -> pd.DataFrame:
    """Patients of each site, by the classes of its patients: `A="aab"`."""
    rows = [
        (f"{site}{number}", label, site)
        for site, labels in sites.items()
        for number, label in enumerate(labels)
    ]
    return pd.DataFrame(rows, columns=["patient", "label", "site"])


def test_a_site_of_one_class_is_counted_tested_and_noted():
    table = site_table(cohort(A="aabb", B="aaabb", C="aaa"), ["a", "b"]).set_index("site")
    assert table[["a", "b"]].to_numpy().tolist() == [[2, 2], [3, 2], [3, 0]]
    assert list(table["split"]) == ["site-A", "site-B", "site-C"]
    assert list(table["note"][["A", "B"]]) == ["", ""]
    assert table.at["C", "note"] == (
        "all patients are of class a: they are tested and train for the other sites, but a site of"
        " one class has no AUC of its own"
    )


def test_a_site_that_holds_nearly_all_of_a_class_is_not_tested_and_it_says_why():
    patients = cohort(A="aabbb", B="aaab", C="aaa")
    table = site_table(patients, ["a", "b"]).set_index("site")
    assert table.at["A", "split"] == ""
    assert table.at["A", "note"] == (
        "not tested: without it, 1 of class b are left to train, and 2 are needed; it"
        " trains for all other sites"
    )
    tested = split_patients(patients, None, None, 1, site=EACH)["split"].unique()
    assert list(tested) == [split for split in table["split"] if split]


def test_the_log_names_these_sites_where_sites_are_tested_in_turn():
    patients = cohort(A="aabb", B="aaabb", C="aaa")
    (note,) = split_notes(patients, EACH)
    assert note.startswith("site C: all patients are of class a")
    assert split_notes(patients, None) == []
    assert split_notes(patients, {"test": ["A"], "validation": 0}) == []
    assert split_notes(cohort(A="aabb", B="aabb"), EACH) == []
