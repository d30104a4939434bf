"""Files in which readers save their decisions: `{scan}.json` and `{scan}.{reader}.json`.

The workflow imports this while it plans, so only the standard library is used. What the files hold
is read by `livermets.review.decisions`.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from livermets.core.errors import BadInput

_OF_READER = r"(\.[A-Za-z0-9_-]+)?\.json"  # after the id of the scan


def find_reviews(folder: str | Path) -> dict[str, list[Path]]:
    """List the reviews of each scan: first the one that decides, then those of single readers.

    The folder is listed once, since planning asks for thousands of scans.

    Parameters
    ----------
    folder : path
        The folder of reviews; it need not exist.

    Returns
    -------
    dict of str to list of Path
        Id of the scan, which holds no full stop -> its files.
    """
    reviews: dict[str, list[Path]] = {}
    there = Path(folder).iterdir() if Path(folder).is_dir() else ()
    for path in sorted(there, key=lambda path: (path.name.count("."), path.name)):
        scan, *end = path.name.partition(".")
        if scan and re.fullmatch(_OF_READER, "".join(end)):
            reviews.setdefault(scan, []).append(path)
    return reviews


def decides_alone(path: str | Path) -> bool:
    """Whether a file is `{scan}.json`, which settles what other readers say of the scan."""
    return Path(path).name.count(".") == 1


def excluded_by_readers(paths: Iterable[str | Path]) -> bool:
    """Whether the readers of a scan exclude it: the file that decides, or all of them alike.

    Parameters
    ----------
    paths : iterable of path
        The files of one scan.

    Raises
    ------
    BadInput
        If a file has no decision; the files are checked in full when lesions are labelled.
    """
    files = [Path(path) for path in paths]
    deciding = [path for path in files if decides_alone(path)] or files
    return bool(deciding) and all(_decision(path) == "exclude" for path in deciding)


def _decision(path: Path) -> str:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        return str(content["decision"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{path}: there is no `decision`. Correct it, or save the review again from the page "
            "of the scan."
        ) from error


def refuse_strange_reviews(folder: str | Path, scans: Iterable[str]) -> None:
    """Refuse a file in the folder of reviews that belongs to no scan of the sheet.

    It would be ignored, and a patient whom a reader excluded would stay in the study. Hidden files
    are left aside.

    Parameters
    ----------
    folder : path
        The folder of reviews; it need not exist.
    scans : iterable of str
        Ids of the scans of the sheet (`core.scan_ids`), those that `exclude` names as well.

    Raises
    ------
    BadInput
        Naming the file and what to do.
    """
    if not Path(folder).is_dir():
        return
    ids = {scan.casefold(): scan for scan in scans}
    for path in sorted(Path(folder).iterdir()):
        scan, end = path.name.split(".", 1) if "." in path.name else (path.name, "")
        known = ids.get(scan.casefold())
        if path.name.startswith(".") or (scan == known and re.fullmatch(_OF_READER, "." + end)):
            continue
        copy = re.fullmatch(r"(.+?)\s*\(\d+\)", path.stem)  # how browsers name a second download
        if copy and (known := ids.get(copy[1].split(".")[0].casefold())):
            raise BadInput(
                f"{path} is a second download. Keep the newer one as {known}.json, or name it "
                f"{known}.NAME.json with the name of its reader if two readers read the scan."
            )
        if known:
            raise BadInput(
                f"{path} is not named as the review of a scan. Rename it to {known}.json, or to "
                f"{known}.NAME.json with the name of its reader (letters, digits, `_`, `-`)."
            )
        raise BadInput(
            f"{path} belongs to no patient in the cohort sheet. Move it out of the folder; a "
            "patient who shall stay out of the study stays in the sheet, and `exclude` in the "
            "configuration names the reason."
        )
