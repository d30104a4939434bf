"""Download of a segmentation model, which resumes after a broken connection and checks the sha256.

pooch, the usual library for this, starts a broken download again from the first byte; published
models have gigabytes, so the download here asks the server for the missing bytes alone.
"""

import http.client
import logging
import time
import urllib.error
import urllib.request
from pathlib import Path

from livermets.core.errors import BadInput
from livermets.core.io import UNFINISHED, hash_file

BLOCK_BYTES = 1 << 20
ATTEMPTS = 5
PAUSE_S = 2.0  # before the second attempt; doubled before each further one
TRANSIENT_CODES = (408, 429)  # timeout, too many requests: worth another attempt
log = logging.getLogger(__name__)


def download_model(
    url: str, sha256: str, target: Path, name: str, pause_s: float = PAUSE_S
) -> None:
    """Download `url` to `target`, which appears only once its sha256 is right.

    After a failure the bytes that came stay beside `target` under an unfinished name; the next
    attempt, of this job or a later one, resumes from them.

    Parameters
    ----------
    url : str
        Address of the zip.
    sha256 : str
        The hash that the file must have, as hexadecimal digits.
    target : Path
        Where the file is written.
    name : str
        The model's name in the configuration, for messages.
    pause_s : float
        Seconds before the second attempt.

    Raises
    ------
    BadInput
        Where the file cannot be downloaded, or has another hash.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{UNFINISHED}{sha256[:12]}.{target.name}")
    for attempt in range(ATTEMPTS):
        try:
            if _resume(url, partial):
                break
            raise http.client.IncompleteRead(b"")
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            code = getattr(error, "code", None)
            permanent = code and 400 <= code < 500 and code not in TRANSIENT_CODES
            if attempt == ATTEMPTS - 1 or permanent:
                raise BadInput(
                    f"segmentation model {name}: {url} cannot be downloaded ({error}); correct its "
                    f"url, or download it yourself and name the file as `path`"
                ) from error
            log.warning("%s: %s; trying again", name, error)
            time.sleep(pause_s * 2**attempt)
    downloaded = hash_file(partial)
    if downloaded != sha256:
        partial.unlink()
        raise BadInput(
            f"segmentation model {name}: {url} has the sha256 {downloaded} where the configuration "
            f"names {sha256}. Loading a model runs code; write the new hash into the "
            "configuration only if you trust this source"
        )
    partial.replace(target)
    log.info("%s: %d bytes in %s", name, target.stat().st_size, target)


def _resume(url: str, partial: Path) -> bool:
    """Append the missing bytes to `partial`; True where it then has the length the server names."""
    start = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        if start and error.code == 416:  # the server has no byte more: the hash decides
            return True
        raise
    with response:
        resumed = response.status == 206
        length = response.headers.get("Content-Length")
        with partial.open("ab" if resumed else "wb") as stream:
            while block := response.read(BLOCK_BYTES):
                stream.write(block)
    expected = int(length) + (start if resumed else 0) if length else None
    return expected is None or partial.stat().st_size == expected
