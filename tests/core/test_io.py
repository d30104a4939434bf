"""Results are written whole or not at all, and the same content gives the same bytes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from livermets.core.io import (
    atomic_path,
    read_json,
    read_json_files,
    write_empty,
    write_json,
    write_table,
)


def test_an_error_in_the_middle_leaves_what_was_there_and_nothing_else(tmp_path):
    target = tmp_path / "mask.nii.gz"
    target.write_text("before")

    def interrupted() -> None:
        with atomic_path(target) as unfinished:
            unfinished.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["mask.nii.gz"]


def test_the_unfinished_file_has_the_endings_that_writers_go_by(tmp_path):
    with atomic_path(tmp_path / "P01.seg.nrrd") as unfinished:
        assert unfinished.name.endswith(".seg.nrrd")
        assert unfinished.parent == tmp_path
        unfinished.write_text("whole")
    assert (tmp_path / "P01.seg.nrrd").read_text() == "whole"


def test_json_comes_back_and_its_bytes_do_not_depend_on_the_order_of_keys(tmp_path):
    write_json(tmp_path / "a", {"b": 1, "a": "ü"})
    write_json(tmp_path / "b", {"a": "ü", "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_json(tmp_path / "a") == {"a": "ü", "b": 1}


def test_json_files_are_read_by_the_patients_whom_they_are_named_after(tmp_path):
    paths = [tmp_path / f"{patient}.json" for patient in ("P2", "P1")]
    for path in paths:
        write_json(path, {"name": path.name})
    records = read_json_files(map(str, paths))
    assert list(records.items()) == [("P2", {"name": "P2.json"}), ("P1", {"name": "P1.json"})]


@pytest.mark.parametrize("ending", ["parquet", "tsv"])
def test_a_table_is_written_by_its_ending_without_its_index(tmp_path, ending):
    table = pd.DataFrame({"patient": ["P1", "P2"], "score": [0.25, 0.5]}, index=[7, 8])
    path = tmp_path / f"table.{ending}"
    write_table(path, table)
    read = pd.read_parquet(path) if ending == "parquet" else pd.read_csv(path, sep="\t")
    pd.testing.assert_frame_equal(read, table.reset_index(drop=True))


def test_an_empty_file_has_no_bytes(tmp_path):
    write_empty(tmp_path / "out")
    assert (tmp_path / "out").stat().st_size == 0


WORKFLOW = Path(__file__).parents[2] / "workflow"
# What writes a file, by the last name of the call; an `open` counts where its mode says so.
WRITING = {
    "write_text", "write_bytes", "to_csv", "to_parquet", "savefig", "savez", "savez_compressed",
    "dump", "WriteImage", "save_as",
}  # fmt: skip
SCRATCH = {"_resume"}  # the part of a download, which is renamed once its hash is right


def direct_writers(file: Path) -> Iterator[str]:
    """The functions of a file that write to disk and never ask for `atomic_path`."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)] or [tree]
    for block in blocks:
        calls = [node for node in ast.walk(block) if isinstance(node, ast.Call)]
        methods = {call.func.attr for call in calls if isinstance(call.func, ast.Attribute)}
        functions = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
        opened = any(
            isinstance(value, ast.Constant) and value.value in ("w", "wb", "ab", "a")
            for call in calls
            if getattr(call.func, "attr", getattr(call.func, "id", "")) in ("open", "ZipFile")
            for value in [*call.args, *(keyword.value for keyword in call.keywords)]
        )
        if (opened or WRITING & methods) and "atomic_path" not in functions:
            yield f"{file.relative_to(WORKFLOW)}: {getattr(block, 'name', 'script')}"


def test_every_writer_of_a_result_goes_through_one_function():
    found = [name for file in sorted(WORKFLOW.rglob("*.py")) for name in direct_writers(file)]
    assert [name for name in found if name.split(": ")[1] not in SCRATCH] == []
