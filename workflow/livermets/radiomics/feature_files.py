"""Rows of features as Parquet files that know what they were made with."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import SimpleITK as sitk

from livermets.core.errors import BadInput
from livermets.core.io import atomic_path
from livermets.radiomics.lazy_pyradiomics import VERSION

REASON = "radiomics_reason"


def write_rows(rows: list[dict], path: str | Path, columns: Sequence[str], made_with: dict) -> None:
    """Write rows to Parquet, all or none: a job that is killed leaves no half file.

    The same rows give the same bytes.

    Parameters
    ----------
    rows : `{"lesion", column: value..., REASON}` each
    columns : the features' names, also those of a patient without lesions
    made_with : settings, classes and sets; with versions and a digest of all that decides the
        values they go into the schema's metadata
    """
    schema = pa.schema(
        [
            ("lesion", pa.int64()),
            *((name, pa.float64()) for name in columns),
            (REASON, pa.string()),
        ],
        metadata={"livermets": json.dumps(provenance(made_with), sort_keys=True)},
    )
    # Arrays from buffers: pa.array() would import pandas, for longer than the lesion took.
    arrays = [_numbers((row["lesion"] for row in rows), np.int64, pa.int64())]
    arrays += [_numbers((row[name] for row in rows), float, pa.float64()) for name in columns]
    arrays.append(_texts([row[REASON] for row in rows]))
    table = pa.Table.from_arrays(arrays, schema=schema)
    with atomic_path(path) as unfinished:
        pq.write_table(table, unfinished, compression="zstd")


def read_rows(path: str | Path) -> tuple[list[dict], dict]:
    """The rows of `write_rows` and their metadata: made_with, versions, sha256."""
    table = pq.ParquetFile(path).read()
    return table.to_pylist(), json.loads(table.schema.metadata[b"livermets"])


def read_alike(paths: Iterable[str | Path], made_with: dict) -> list[dict]:
    """The rows of several files by lesion; BadInput where one was made with anything else."""
    digest = provenance(made_with)["sha256"]
    rows = []
    for path in paths:
        found, other = read_rows(path)
        if other["sha256"] != digest:
            raise BadInput(
                f"{path} was extracted with other radiomics settings or versions than the "
                "config's: delete it and run again"
            )
        rows += found
    return sorted(rows, key=lambda row: row["lesion"])


def provenance(made_with: dict) -> dict:
    """What decides the values: what is given, versions, and the digest of both."""
    versions = {
        "pyradiomics": VERSION,
        "SimpleITK": sitk.Version_VersionString(),
        "numpy": np.__version__,
    }
    known = made_with | {"versions": versions}
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
    return known | {"sha256": digest}


def _numbers(values: Iterable[float], kind: type, arrow: pa.DataType) -> pa.Array:
    numbers = np.fromiter(values, kind)
    return pa.Array.from_buffers(arrow, len(numbers), [None, pa.py_buffer(numbers)])


def _texts(values: list[str]) -> pa.Array:
    parts = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, parts)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(parts))]
    return pa.Array.from_buffers(pa.string(), len(parts), buffers)
