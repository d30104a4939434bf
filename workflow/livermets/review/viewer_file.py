"""Put the viewer beside the review pages: one file of JavaScript that all of them use."""

import shutil
from pathlib import Path

from livermets.core.errors import BadInput
from livermets.core.io import atomic_path, hash_file

VIEWER = Path(__file__).parents[3] / "resources/viewer/niivue.umd.js"
SHA256 = "47b896b77ec4a5be3ef1949c33ad393b6f45629921f326c279000bcf51bdb4af"  # NiiVue 0.69.0


def copy_viewer(target: Path, source: Path = VIEWER) -> None:
    """Copy the viewer to `target`, unless it is not the file that livermets ships.

    Raises
    ------
    BadInput
        If the hash of the source is another one.
    """
    if hash_file(source) != SHA256:
        raise BadInput(
            f"{source} is not NiiVue 0.69.0 as livermets ships it (its sha256 differs). Restore "
            "the file; resources/viewer/README.md says where it is from."
        )
    with atomic_path(target) as unfinished:
        shutil.copyfile(source, unfinished)
