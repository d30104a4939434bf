"""Feature files: rows of features as Parquet, together with what they were extracted with."""

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


def write_rows(
    rows: list[dict], path: str | Path, columns: Sequence[str], parameters: dict
) -> None:
    """Write rows of features to Parquet; the same rows give the same bytes.

    Parameters
    ----------
    rows : list of dict
        "lesion", a value for each column, and `REASON`.
    path : str or Path
        File to write.
    columns : sequence of str
        Names of the features, which a table without rows has too.
    parameters : dict
        Settings, classes and sets. The metadata of the schema holds them with the versions of the
        software and a digest of both.
    """
    schema = pa.schema(
        [
            ("lesion", pa.int64()),
            *((name, pa.float64()) for name in columns),
            (REASON, pa.string()),
        ],
        metadata={"livermets": json.dumps(provenance(parameters), sort_keys=True)},
    )
    # Arrays from buffers: pa.array() would import pandas, which takes longer than the features.
    arrays = [_number_array((row["lesion"] for row in rows), np.int64, pa.int64())]
    arrays += [_number_array((row[name] for row in rows), float, pa.float64()) for name in columns]
    arrays.append(_text_array([row[REASON] for row in rows]))
    table = pa.Table.from_arrays(arrays, schema=schema)
    with atomic_path(path) as unfinished:
        pq.write_table(table, unfinished, compression="zstd")


def read_rows(path: str | Path) -> tuple[list[dict], dict]:
    """Read the rows of `write_rows` and their metadata: parameters, versions, sha256."""
    table = pq.ParquetFile(path).read()
    return table.to_pylist(), json.loads(table.schema.metadata[b"livermets"])


def read_lesion_files(paths: Iterable[str | Path], parameters: dict) -> list[dict]:
    """Read the rows of several files and sort them by lesion.

    Raises
    ------
    BadInput
        If a file was extracted with other parameters or versions.
    """
    digest = provenance(parameters)["sha256"]
    rows = []
    for path in paths:
        file_rows, metadata = read_rows(path)
        if metadata["sha256"] != digest:
            raise BadInput(
                f"{path} was extracted with other radiomics settings or versions than the "
                "config's: delete it and run again"
            )
        rows += file_rows
    return sorted(rows, key=lambda row: row["lesion"])


def provenance(parameters: dict) -> dict:
    """Everything that decides the values: parameters, versions, and a digest of both."""
    versions = {
        "pyradiomics": VERSION,
        "SimpleITK": sitk.Version_VersionString(),
        "numpy": np.__version__,
    }
    record = parameters | {"versions": versions}
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    return record | {"sha256": digest}


def _number_array(values: Iterable[float], kind: type, arrow: pa.DataType) -> pa.Array:
    numbers: np.ndarray = np.fromiter(values, kind)
    return pa.Array.from_buffers(arrow, len(numbers), [None, pa.py_buffer(numbers)])


def _text_array(values: list[str]) -> pa.Array:
    parts = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, parts)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(parts))]
    return pa.Array.from_buffers(pa.string(), len(parts), buffers)
