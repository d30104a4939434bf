"""Model cache: the folder of this user in which downloaded segmentation models lie."""

import os
from pathlib import Path


def model_cache_path(sha256: str) -> Path:
    """The path of a downloaded model, which all studies of this user share."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "livermets/models" / f"{sha256}.zip"
