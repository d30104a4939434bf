"""Agreement of two readers, against scikit-learn's kappa."""

import numpy as np
import pytest
from livermets.core.io import write_table
from livermets.review.kappa import cohens_kappa
from livermets.review.reader_agreement import agreement_of_readers
from livermets.review.review_tables import decisions_table, deleted_table, read_review_tables
from sklearn.metrics import cohen_kappa_score


def reading(reader, decision, lesions=None, **other):
    row = {"reader": reader, "decision": decision, "lesions": lesions or {}, "decides": False}
    rest = {"current_mask": True, "file": f"{reader}.json", "date": "2026-01-31", "note": "",
            "reason": ""}  # fmt: skip
    return {**row, **rest, **other}


def test_kappa_by_decision_is_that_of_scikit_learn():
    rng = np.random.default_rng(4)
    words = ["accept", "correct", "exclude"]
    said = {reader: rng.choice(words, 60, p=[0.6, 0.3, 0.1]) for reader in ("Anna", "Ben")}
    said["Ben"] = np.where(rng.random(60) < 0.6, said["Anna"], said["Ben"])
    deleted = {reader: rng.choice(["keep", "delete"], (60, 3)) for reader in said}
    readings = {
        f"P{i}": [
            reading(name, said[name][i], dict(zip("123", deleted[name][i], strict=True)))
            for name in said
        ]
        for i in range(60)
    }
    readings["only Anna's"] = [reading("Anna", "exclude", {"1": "delete"})]
    table = agreement_of_readers(readings, seed=1).set_index("decision")
    assert table["n"].tolist() == [60, 60, 60, 180]
    for word, row in zip(words, table.index, strict=False):
        expected = cohen_kappa_score(said["Anna"] == word, said["Ben"] == word)
        assert table["kappa"][row] == pytest.approx(expected, abs=1e-12)
    expected = cohen_kappa_score(deleted["Anna"].ravel(), deleted["Ben"].ravel())
    assert table["kappa"]["delete the lesion"] == pytest.approx(expected, abs=1e-12)
    assert table.loc["accept the mask", ["both", "only_1", "only_2", "neither"]].sum() == 60


def test_kappa_is_missing_where_both_readers_say_the_same_of_all():
    table = agreement_of_readers(
        {"P1": [reading("Anna", "accept"), reading("Ben", "accept")]}, seed=1
    )
    assert table["kappa"].isna().all() and (table["agreement"] == 1).all()
    assert np.isnan(cohens_kappa(0, 0, 0, 0))


def test_one_reader_has_nobody_to_agree_with():
    assert agreement_of_readers({"P1": [reading("Anna", "accept")], "P2": []}, seed=1).empty


def record(*readings, disputed=False, deleted=(), stale=()):
    review = {"readings": readings, "disputed": disputed, "deleted": deleted, "stale": stale}
    return {"excluded": None, "review": review}


def test_every_scan_has_its_status_and_every_deleted_lesion_its_row(tmp_path):
    lesion = {"lesion": 2, "reader": "Anna", "reason": "vessel", "volume_ml": 0.4}
    records = {
        "P1@a": record(reading("Anna", "accept", {"1": "keep", "2": "delete"}), deleted=[lesion]),
        "P1@b": record(),
        "P2@a": record(reading("Anna", "accept", current_mask=False), stale=[lesion]),
        "P3@a": record(reading("Anna", "correct"), reading("Ben", "accept"), disputed=True),
        "P4@a": record(reading("<b>Anna</b>", "exclude", reason="a\tb", current_mask=False)),
        "P5@a": {"excluded": {"stage": "import", "reason": "no CT"}},
    }
    table = decisions_table(records)
    made = (table, deleted_table(records), agreement_of_readers({}, seed=1))
    files = [tmp_path / f"{number}.tsv" for number in range(3)]
    for path, part in zip(files, made, strict=True):
        write_table(path, part)
    tables = read_review_tables(files)
    table = tables.decisions
    assert len(tables.status) == 5 and tables.agreement.empty
    assert table.drop_duplicates(["patient", "scan"])["status"].tolist() == [
        "accepted", "not reviewed", "an earlier mask was reviewed", "readers differ", "excluded",
    ]  # fmt: skip
    assert table["reader"].tolist() == ["Anna", "", "Anna", "Anna", "Ben", "<b>Anna</b>"]
    assert table["reason"].iloc[-1] == "a\tb"
    deleted = tables.deleted
    assert deleted["outcome"].tolist() == ["deleted", "no longer there"]
    assert deleted["scan"].tolist() == ["a", "a"]


def test_several_scans_of_a_patient_are_one_patient_of_the_interval():
    said = ["accept", "accept", "correct"]
    readings = {
        f"P{patient}@{scan}": [
            reading("Anna", said[patient % 3]),
            reading("Ben", said[(patient // 2) % 3]),
        ]
        for patient in range(24)
        for scan in "ab"
    }
    row = agreement_of_readers(readings, seed=1).set_index("decision").loc["accept the mask"]
    assert row["n"] == 48 and row["low"] < row["kappa"] < row["high"]
    once = {scan: of for scan, of in readings.items() if scan.endswith("a")}
    alone = agreement_of_readers(once, seed=1).set_index("decision").loc["accept the mask"]
    assert (alone["low"], alone["high"]) == pytest.approx((row["low"], row["high"]), abs=1e-12)


def test_a_kappa_without_interval_has_the_reason_in_its_file(tmp_path):
    table = agreement_of_readers({"P1": [reading("Anna", "accept"), reading("Ben", "correct")]}, 1)
    files = [tmp_path / f"{number}.tsv" for number in range(3)]
    for path, part in zip(files, (decisions_table({}), deleted_table({}), table), strict=True):
        write_table(path, part)
    read = read_review_tables(files).agreement
    assert read["low"].isna().all()
    assert read["no_interval"].str.contains("an interval needs 3 of each").all()
