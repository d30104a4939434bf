"""Reading and writing of results: JSON, text, tables and other files.

Snakemake can record the output of a killed job as complete (snakemake #3808). A result is therefore
written beside its place and renamed, which a kill cannot interrupt.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UNFINISHED = ".unfinished."  # prefix of the name under which a result is written


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a path to write to and rename it to `path` once the block has ended without an error.

    The endings stay the same, for writers that go by them (`.nii.gz`, `.seg.nrrd`). An error
    leaves an older file at `path` as it was, and no other file.
    """
    path = Path(path)
    unfinished = path.with_name(UNFINISHED + path.name)
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def hash_file(path: str | Path) -> str:
    """Compute the sha256 of a file, as hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: str | Path) -> dict[str, Any]:
    """Read one JSON object from a file."""
    content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return content


def read_json_files(paths: Iterable[str | Path]) -> dict[str, dict[str, Any]]:
    """Read files named `{scan}.json` into a dict by id of the scan, in the order of the paths."""
    return {Path(path).stem: read_json(path) for path in paths}


def write_text(path: str | Path, text: str) -> None:
    """Write a text to a file, as UTF-8."""
    with atomic_path(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def write_empty(path: str | Path) -> None:
    """Write a file of 0 bytes, which stands for a result that a patient does not have."""
    with atomic_path(path) as unfinished:
        unfinished.write_bytes(b"")


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write one JSON object, sorted and indented: the same content gives the same bytes."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    write_text(path, text + "\n")


def write_table(path: str | Path, table: Any, float_format: str | None = None) -> None:
    """Write a data frame without its index, as Parquet or TSV by the ending of `path`."""
    with atomic_path(path) as unfinished:
        if unfinished.suffix == ".parquet":
            table.to_parquet(unfinished, index=False)
        else:
            table.to_csv(
                unfinished, sep="\t", index=False, lineterminator="\n", float_format=float_format
            )
