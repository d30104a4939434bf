"""Feature files: their names, and rows that come back as they were written."""

import os

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.lesion_scans import DEFAULT, four_lesions
from helpers.one_lesion import extract_lesion
from livermets.core.errors import BadInput
from livermets.radiomics import feature_files
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_classes import FEATURE_CLASSES
from livermets.radiomics.feature_files import REASON, read_rows, write_rows


@pytest.fixture(scope="module")
def scan():
    """A noisy CT and four lesions."""
    return four_lesions()


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


def test_the_names_are_known_without_extraction(scan):
    names = LesionExtractor(DEFAULT, FEATURE_CLASSES).columns
    assert len(names) == 107 + 9
    row = extract_lesion(*scan, 1, DEFAULT, FEATURE_CLASSES)
    assert list(row) == ["lesion", *names, REASON]
    assert LesionExtractor(DEFAULT, ["shape2D"]).columns == [n for n in names if "shape2D" in n]


def test_rows_come_back_as_written_with_settings_versions_and_a_digest(scan, tmp_path):
    extractor = LesionExtractor(DEFAULT, FEATURE_CLASSES)
    rows = extractor.extract(*scan)
    rows[1]["original_glcm_MCC"] = float("nan")
    for name in ("a.parquet", "b.parquet"):
        extractor.write(rows, tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    found, metadata = read_rows(tmp_path / "a.parquet")
    np.testing.assert_equal(found, rows)
    assert metadata["settings"] == DEFAULT
    assert metadata["classes"] == list(FEATURE_CLASSES)
    assert metadata["versions"]["pyradiomics"] == "3.0.1"
    LesionExtractor({"binWidth": 10}, FEATURE_CLASSES).write(rows, tmp_path / "c.parquet")
    assert read_rows(tmp_path / "c.parquet")[1]["sha256"] != metadata["sha256"]


def test_lesion_files_gather_to_the_patients_table(scan, tmp_path):
    extractor = LesionExtractor(DEFAULT, FEATURE_CLASSES)
    rows = extractor.extract(*scan)
    for row in rows:
        extractor.write([row], tmp_path / f"{row['lesion']}.parquet")
    paths = [tmp_path / f"{n}.parquet" for n in (3, 1, 4, 2)]
    assert extractor.read(paths) == rows
    with pytest.raises(BadInput, match="3.parquet was extracted with other radiomics settings"):
        LesionExtractor({"binWidth": 10}, FEATURE_CLASSES).read(paths)


def test_a_patient_without_lesions_has_an_empty_table_with_all_columns(scan, tmp_path):
    ct, labelled = scan
    extractor = LesionExtractor(DEFAULT, FEATURE_CLASSES)
    assert extractor.extract(ct, labelled * 0) == []
    assert extractor.read([]) == []
    extractor.write([], tmp_path / "none.parquet")
    assert read_rows(tmp_path / "none.parquet")[0] == []
    columns = pq.read_schema(tmp_path / "none.parquet").names
    assert columns == ["lesion", *extractor.columns, REASON]
