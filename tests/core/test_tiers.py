"""The tests themselves: names that never change, and rooms whose tests need no Snakemake."""

import ast
import datetime
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.steady_names import refuse_made_up_name, unsteady_parts

TESTS = Path(__file__).parents[1]
WITH_SNAKEMAKE = {"workflow", "real_data", "helpers", "conftest.py"}


@pytest.mark.parametrize(
    "value",
    [b"\x1f\x8b", 0.5, "1.5", "two\nlines", [1], {"a": 1}, np.zeros(2), object(), lambda: None,
     datetime.date(2026, 1, 1)],
    ids=["bytes", "float", "text of a float", "lines", "list", "dictionary", "array", "object",
         "lambda", "date"],
)  # fmt: skip
def test_a_case_that_does_not_name_itself_needs_a_written_id(value):
    with pytest.raises(TypeError, match="write an id"):
        refuse_made_up_name(value, "value")


@pytest.mark.parametrize("value", [None, True, 12, "smote", "t.csv.gz", len, dict])
def test_a_case_that_names_itself_needs_none(value):
    refuse_made_up_name(value, "value")


def test_addresses_times_and_paths_of_this_machine_are_found_in_a_name():
    assert unsteady_parts("test_x[<function f at 0x7f3a5c1d2e50>]") == ["the address of an object"]
    assert unsteady_parts("test_x[2026-11-28 20:15:12]") == ["a time"]
    assert unsteady_parts(f"test_x[{TESTS}/demo]") == ["a path of this machine"]
    assert unsteady_parts("test_x[1.2.840.10008.1.2-portal venous]") == []


def test_only_the_tests_of_the_workflow_and_of_real_data_start_snakemake():
    starts = re.compile(r"from helpers\.run_study import[^)]*?\bsnakemake\b|\btable_study\b")
    files = [*TESTS.rglob("test_*.py"), *TESTS.rglob("conftest.py")]
    found = {
        str(file.relative_to(TESTS)) for file in files
        if file.relative_to(TESTS).parts[0] not in WITH_SNAKEMAKE
        and file != Path(__file__) and starts.search(file.read_text())
    }  # fmt: skip
    assert found == set()


def exact_fractions(code: str) -> list[int]:
    """Lines that compare something with a fraction by ==, without rounding it first."""
    lines = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq) for op in node.ops):
            sides = [node.left, *node.comparators]
            fractions = [
                side for side in sides
                if isinstance(side, ast.Constant) and isinstance(side.value, float)
                and not side.value.is_integer()
            ]  # fmt: skip
            if fractions and not any("round(" in ast.unparse(side) for side in sides):
                lines.append(node.lineno)
    return lines


def test_a_comparison_of_a_fraction_without_a_tolerance_is_found():
    assert exact_fractions("assert auc == 0.7\nassert x == y == 0.5") == [1, 2]
    good = "assert auc == pytest.approx(0.7, abs=1e-9)\nassert round(a, 2) == 0.71\nassert n == 2.0"
    assert exact_fractions(good) == []


def test_no_test_compares_a_fraction_without_stating_its_tolerance():
    files = sorted(TESTS.rglob("*.py"))
    found = {
        f"{file.relative_to(TESTS)}:{line}"
        for file in files
        for line in exact_fractions(file.read_text())
    }
    assert found == set()
