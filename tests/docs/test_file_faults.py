"""The page of odd files: each row names tests that exist, and every fault of the list has a row."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/file_faults.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if re.match(r"\| [0-9a-z]+ \|", line)]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_every_row_names_a_test_and_has_five_cells():
    for row in ROWS:
        assert len(row.strip("|").split(" | ")) == 5, row
        assert re.search(r"`tests/[\w/]+\.py::\w+`", row), row


def test_every_test_that_is_named_exists():
    assert len(NAMED) > len(ROWS)
    functions = {}
    for path, name in NAMED:
        if path not in functions:
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            functions[path] = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name in functions[path], f"{path} has no {name}"


def test_each_of_the_faults_and_ten_inputs_or_more_have_a_row():
    marks = [row.split("|")[1].strip() for row in ROWS]
    numbers = {int(number) for mark in marks if (number := mark.rstrip("abcde")).isdigit()}
    assert numbers == set(range(1, 22))
    assert len([mark for mark in marks if mark.isalpha()]) >= 10


def test_the_page_is_linked_from_where_users_look_for_messages():
    for page in ("index.md", "tutorial.md", "howto/cohort_sheet.md"):
        assert "reference/file_faults.md" in (ROOT / "docs" / page).read_text(encoding="utf-8")
