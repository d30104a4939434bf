"""Read what readers decided about the mask of a scan, from the files that the pages save."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import jsonschema

from livermets.core.errors import BadInput
from livermets.review.reading import Reading
from livermets.study.reviews import decides_alone

SCHEMA = json.loads((Path(__file__).parent / "review.schema.json").read_text(encoding="utf-8"))
REMEDY = "Correct it, or save the review again from the page of the scan"


def read_readings(paths: Iterable[str | Path], scan: str) -> list[Reading]:
    """Read and check the files of one scan.

    Parameters
    ----------
    paths : iterable of path
        `{scan}.json` and `{scan}.{reader}.json` in the folder of reviews.
    scan : str
        Id of the scan.

    Returns
    -------
    list of Reading
        In the order of the paths.

    Raises
    ------
    BadInput
        Naming the file and the key that cannot be used: no JSON, an unknown key or value, another
        scan, a lesion listed twice, one reader in two files.
    """
    readings = [_read(Path(path), scan) for path in paths]
    readers = Counter(reading.reader.casefold() for reading in readings)
    for reading in readings:
        if readers[reading.reader.casefold()] > 1:
            files = [r.file for r in readings if r.reader.casefold() == reading.reader.casefold()]
            raise BadInput(
                f"{' and '.join(files)} are both by {reading.reader}. Keep the one that counts in "
                "the folder of reviews, or give each its own `reader`."
            )
    return readings


def _read(path: Path, scan: str) -> Reading:
    def refuse_number(text: str) -> NoReturn:
        raise BadInput(f"{path}: {text} is no number of JSON. {REMEDY}.")

    def refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice = [key for key, n in Counter(key for key, _ in pairs).items() if n > 1]
        if twice:
            raise BadInput(f"{path}: `{twice[0]}` stands there twice. Remove one of them.")
        return dict(pairs)

    try:
        content = json.loads(
            path.read_bytes().decode("utf-8-sig"),
            parse_constant=refuse_number,
            object_pairs_hook=refuse_twice,
        )
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadInput(f"{path} is no JSON: {error}. {REMEDY}.") from error
    mistakes = jsonschema.Draft202012Validator(SCHEMA).iter_errors(content)
    if mistake := next(iter(sorted(mistakes, key=lambda e: list(map(str, e.absolute_path)))), None):
        raise BadInput(f"{path}: {_explain(mistake)}. {REMEDY}.")
    if content["scan"] != scan:
        raise BadInput(
            f"{path}: `scan` is {content['scan']!r}, so it is a review of another scan. Name the "
            f"file {content['scan']}.json if it is theirs, or move it out of the folder."
        )
    numbers = Counter(lesion["lesion"] for lesion in content["lesions"])
    if repeated := [number for number, n in numbers.items() if n > 1]:
        raise BadInput(f"{path}: `lesions` lists lesion {repeated[0]} twice. {REMEDY}.")
    values = [lesion[key] for lesion in content["lesions"] for key in ("x_mm", "y_mm", "z_mm")]
    if not all(map(math.isfinite, values)):
        raise BadInput(f"{path}: a position of a lesion is too large to be one. {REMEDY}.")
    return Reading(
        path.name,
        decides_alone(path),
        content["reader"].strip(),
        content["date"],
        content["decision"],
        content.get("reason", "").strip(),
        content.get("note", "").strip(),
        content.get("mask_sha256", "").strip(),
        tuple(content["lesions"]),
    )


def _explain(mistake: Any) -> str:
    """What is wrong with a key, in words; `mistake` is a ValidationError of jsonschema."""
    where = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in mistake.absolute_path
    ).lstrip(".")
    if mistake.validator == "required":
        missing = next(key for key in mistake.validator_value if key not in mistake.instance)
        why = ", which an exclusion and a deletion need" if missing == "reason" else ""
        return f"{f'`{where}` lacks' if where else 'there is no'} `{missing}`{why}"
    if mistake.validator == "additionalProperties":
        unknown = [key for key in mistake.instance if key not in mistake.schema["properties"]]
        known = ", ".join(mistake.schema["properties"])
        return f"`{f'{where}.' if where else ''}{unknown[0]}` is not a key; known are {known}"
    if mistake.validator == "pattern" and mistake.validator_value == r"\S":
        return f"`{where}` is empty"
    hint = mistake.schema.get("description", "").rstrip(".")
    what = f"`{where}`: {mistake.message}" if where else mistake.message
    return what.rstrip(".") + (f" ({hint})" if hint else "")
