"""Results are written whole or not at all, and the same content gives the same bytes."""

import pandas as pd
import pytest
from livermets.core.io import atomic_path, read_json, write_empty, write_json, write_table


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
