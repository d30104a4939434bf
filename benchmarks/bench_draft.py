"""How much memory and time `make cohort` takes for each header of an archive.

Headers are made in memory, so that the time is that of sorting them, not that of a disk.
"""

import argparse
import gc
import time
from pathlib import Path

import pytest
from helpers.header_records import archive_of
from livermets.imaging.draft_headers import read_tree

PAGE = 4096  # bytes


def resident_bytes() -> int:
    """Memory of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", type=int, nargs="*", default=[20_000, 100_000])
    for n_files in parser.parse_args().files:
        with pytest.MonkeyPatch.context() as patch:
            archive_of(n_files, patch)
            before, start = resident_bytes(), time.process_time()
            tree = read_tree(Path("/exports"))
            kept = (resident_bytes() - before) / n_files
            milliseconds = (time.process_time() - start) / n_files * 1000
        print(
            f"{n_files:,} headers, {len(tree.series):,} series: {kept:.0f} bytes and"
            f" {milliseconds:.2f} ms CPU a header"
        )
        del tree


if __name__ == "__main__":
    main()
