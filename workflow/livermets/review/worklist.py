"""The reader's worklist: one page with every patient's overlay, numbers and warnings."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from livermets.core.io import write_text
from livermets.core.templating import render

TEMPLATES = Path(__file__).parent / "templates"
QUALITY = 82  # of JPEG; PNGs of a hundred patients would make a page nobody can open


def render_worklist(
    patients: Sequence[Mapping],
    overlays: Sequence[Path],
    files: Sequence[Sequence[Path]],
    out: Path,
) -> None:
    """Write the page; it opens anywhere and asks nothing of the network.

    Parameters
    ----------
    patients : for each `patient`, `label` and what `review.look_over` gave, or `excluded` with
        stage and reason of one who is out
    overlays : for each the picture; empty where the patient is out
    files : for each the segmentations to open, named on the page relative to it
    """
    rows = [
        {
            **patient,
            "picture": _jpeg(picture) if picture.stat().st_size else None,
            "files": [path.name for path in segmentations if path.stat().st_size],
        }
        for patient, picture, segmentations in zip(patients, overlays, files, strict=True)
    ]
    page = render(
        TEMPLATES,
        "worklist.html.j2",
        rows=rows,
        used=[row for row in rows if not row.get("excluded")],
        warned=sum(bool(row.get("warnings")) for row in rows),
    )
    write_text(out, page)


def _jpeg(picture: Path) -> str:
    stream = io.BytesIO()
    with Image.open(picture) as image:
        image.convert("RGB").save(stream, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
