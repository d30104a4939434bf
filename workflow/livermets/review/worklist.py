"""Worklist for the reader: one HTML page with every patient's overlay, numbers and warnings."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from livermets.core.io import write_text
from livermets.core.templating import render

TEMPLATES = Path(__file__).parent / "templates"
JPEG_QUALITY = 82  # a page with the PNGs of a hundred patients would be too large to open


def render_worklist(
    patients: Sequence[Mapping[str, Any]],
    overlays: Sequence[Path],
    segmentations: Sequence[Sequence[Path]],
    out: Path,
    blind: bool = True,
) -> None:
    """Write the page as one file that needs no other file and no network.

    Parameters
    ----------
    patients : sequence of mapping
        `patient`, `label`, `reviewed` (of `review_tables.reviewed_by`) and the result of
        `quality_checks.check_mask` of each; or `excluded` with stage and reason.
    overlays : sequence of Path
        The picture of each patient; an empty file for one who is excluded.
    segmentations : sequence of sequence of Path
        The files of each patient that a reader can open; linked as files beside the page.
    out : Path
        The page.
    blind : bool
        Leave the class out, so that it cannot guide the reader's hand; the patients then stand in
        the order of their ids, since many sheets are sorted by class.
    """
    rows = [
        {
            **patient,
            "picture": _jpeg_uri(overlay) if overlay.stat().st_size else None,
            "files": [path.name for path in files if path.stat().st_size],
        }
        for patient, overlay, files in zip(patients, overlays, segmentations, strict=True)
    ]
    if blind:
        rows = [
            {key: row[key] for key in row if key != "label"}
            for row in sorted(rows, key=lambda row: row["patient"])
        ]
    page = render(
        TEMPLATES,
        "worklist.html.j2",
        rows=rows,
        blind=blind,
        included=[row for row in rows if not row.get("excluded")],
        n_unread=sum(not row.get("reviewed") for row in rows if not row.get("excluded")),
        n_with_warnings=sum(bool(row.get("warnings")) for row in rows),
    )
    write_text(out, page)


def _jpeg_uri(picture: Path) -> str:
    """A picture as JPEG in a data URI, which an HTML page can hold."""
    stream = io.BytesIO()
    with Image.open(picture) as image:
        image.convert("RGB").save(stream, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
