"""The key of a lesion: patient and number alone mean two lesions where a patient has two scans."""

import re
from pathlib import Path

import pytest
from livermets.study.names import lesion_key

WORKFLOW = Path(__file__).parents[2] / "workflow"
BY_HAND = re.compile(r"""\[[^\[\]()]*["']patient["'],\s*["']lesion["']""")  # a list of columns


def test_the_key_has_the_scan_where_the_table_has_it():
    assert lesion_key(["label", "lesion", "patient"]) == ["patient", "lesion"]
    assert lesion_key(["lesion", "scan", "patient"]) == ["patient", "scan", "lesion"]


@pytest.mark.parametrize(
    "text",
    ['on=["patient", "lesion"]', "[\n'split', 'patient',\n 'lesion']"],
    ids=["alone", "among-others"],
)
def test_a_key_written_by_hand_is_seen(text):
    assert BY_HAND.search(text)


def test_no_module_joins_or_counts_lesions_by_patient_and_number_alone():
    contract = "livermets/predictions/predictions_table.py"  # the columns that every table has
    files = [path for path in WORKFLOW.rglob("*.py") if not str(path).endswith(contract)]
    assert len(files) > 200
    by_hand = [str(path) for path in files if BY_HAND.search(path.read_text(encoding="utf-8"))]
    assert not by_hand, "use livermets.study.names.lesion_key(table)"
