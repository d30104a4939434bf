"""Similar ids: one person under two ids is asked about, numbering by site is not."""

import pandas as pd
import pytest
from livermets.audit.similar_ids import similar_ids

OTHERS = [f"{number}" for number in range(140, 150)]


@pytest.mark.parametrize(
    "ids",
    [
        ("151_a", "151_b"),
        ("151a", "151b"),
        ("151-1", "151-2"),
        ("151", "151_2"),
        ("P151_pre", "P151_post"),
        ("P151_T1", "p0151_t2"),
        ("P5", "p-05"),
    ],
    ids=str,
)
def test_one_person_under_two_ids_is_asked_about(ids):
    assert similar_ids([*OTHERS, *ids]) == [ids]


@pytest.mark.parametrize(
    "ids",
    [
        [f"P{n:02}" for n in range(1, 40)],
        [f"{site:02}-{n:02}" for site in (1, 2) for n in range(1, 20)],
        [f"R01-{n:03}" for n in range(1, 30)],
        [f"UKM1_{letter}" for letter in "abcdefgh"],
        ["HNSCC-01-0210", "HNSCC-01-0211", "HN-HGJ-044"],
    ],
    ids=["numbers", "site and number", "study and number", "letters of one site", "long numbers"],
)
def test_numbering_raises_no_question(ids):
    assert similar_ids(ids) == []


@pytest.mark.parametrize("name", ["LNDb", "WORC-CRLM", "WORC-Lipo"])
def test_published_ids_raise_no_question(real_data, name):
    table = pd.read_csv(real_data / "radmlbench" / f"{name}.csv.gz", usecols=["ID"])
    assert similar_ids(table["ID"].astype(str)) == []
