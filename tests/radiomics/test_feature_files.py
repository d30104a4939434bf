"""Feature files: a job that is killed leaves what was there before."""

import os

import pytest
from livermets.radiomics import feature_files
from livermets.radiomics.feature_files import REASON, read_rows, write_rows


def test_a_job_killed_while_writing_leaves_what_was_there_before(tmp_path, monkeypatch):
    columns, parameters = ["a", "b"], {"settings": {"binWidth": 25}}
    rows = [{"lesion": n, "a": n / 3, "b": -1.5, REASON: ""} for n in range(1, 500)]
    path = tmp_path / "rows.parquet"
    whole = feature_files.pq.write_table

    def killed(table, target, **options):
        whole(table, target, **options)
        os.truncate(target, os.path.getsize(target) // 2)
        raise KeyboardInterrupt

    for before in (None, rows[:1]):
        if before:
            monkeypatch.setattr(feature_files.pq, "write_table", whole)
            write_rows(before, path, columns, parameters)
        monkeypatch.setattr(feature_files.pq, "write_table", killed)
        with pytest.raises(KeyboardInterrupt):
            write_rows(rows, path, columns, parameters)
        assert path.exists() == bool(before)
    assert read_rows(path)[0] == rows[:1]
