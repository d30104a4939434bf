"""Downloads that survive a broken line: resumed where they stopped, taken only if right."""

import hashlib
import http.client
import logging
import time
import urllib.error
import urllib.request
from pathlib import Path

from livermets.core.errors import BadInput

BLOCK = 1 << 20
TRIES = 5
PAUSE_S = 2.0  # doubled after each failure
log = logging.getLogger(__name__)


def fetch(url: str, sha256: str, target: Path, name: str, pause_s: float = PAUSE_S) -> None:
    """Download `url` to `target`, which appears only once its sha256 is right.

    What came before a failure stays beside it (`.part`) and is gone on with, by this job or the
    next. Raises `BadInput` where the file cannot be had or is not the one that was named.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{sha256[:12]}.part")
    for attempt in range(TRIES):
        try:
            if _go_on(url, part):
                break
            raise http.client.IncompleteRead(b"")
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            code = getattr(error, "code", None)
            if attempt == TRIES - 1 or (code and 400 <= code < 500 and code not in (408, 429)):
                raise BadInput(
                    f"segmentation model {name}: {url} cannot be downloaded ({error}); correct its "
                    f"url, or download it yourself and name the file as `path`"
                ) from error
            log.warning("%s: %s; trying again", name, error)
            time.sleep(pause_s * 2**attempt)
    with part.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        part.unlink()
        raise BadInput(
            f"segmentation model {name}: {url} has the sha256 {found} where the configuration "
            f"names {sha256}. Loading a model runs code; write the found one into the "
            "configuration only if you trust this source"
        )
    part.replace(target)
    log.info("%s: %d bytes in %s", name, target.stat().st_size, target)


def _go_on(url: str, part: Path) -> bool:
    """Add to `part` what is missing; whether it is then as long as the server says."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        if have and error.code == 416:  # nothing beyond what is here: the hash decides
            return True
        raise
    with answer:
        resumed = answer.status == 206
        length = answer.headers.get("Content-Length")
        with part.open("ab" if resumed else "wb") as stream:
            while block := answer.read(BLOCK):
                stream.write(block)
    expected = int(length) + (have if resumed else 0) if length else None
    return expected is None or part.stat().st_size == expected
