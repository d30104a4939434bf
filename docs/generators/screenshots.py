"""Takes pictures of a study's pages in headless Chromium: `make screenshots`.

Report, worklist and one patient's page, as wide as a desk's screen and as a phone, light and dark,
go to docs/_build/screenshots. What a desk's screen shows first is also written to docs/images, for
the README.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from helpers.pages import SIZES, opened_page, whole_picture
from PIL import Image

ROOT = Path(__file__).parents[2]
COLOURS = (256, 128, 64, 32)  # of a picture in the README: as many as its size allows
LARGEST = 200_000  # bytes of such a picture


def find_pages(results: Path) -> dict[str, Path]:
    """The pages of a study: name -> file."""
    pages = {"report": results / "report.html", "worklist": results / "review/index.html"}
    patients = sorted(path for path in results.glob("review/*.html") if path.name != "index.html")
    if patients:
        pages["patient"] = patients[0]
    return {name: path for name, path in pages.items() if path.is_file()}


def take_pictures(pages: dict[str, Path], folder: Path) -> dict[str, Path]:
    """Write {page}_{size}[_dark].png and, of the whole page, {page}_{size}_whole.png.

    Returns
    -------
    dict of str to Path
        Page -> its picture at the width of a desk's screen.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages.items():
        for size_name, size in SIZES.items():
            for dark in (False, True):
                path = folder / f"{name}_{size_name}{'_dark' if dark else ''}.png"
                with (
                    tempfile.TemporaryDirectory() as browser_folder,
                    opened_page(page, Path(browser_folder), size, dark) as window,
                ):
                    window.picture(path)
                    if not dark:
                        whole_picture(window).save(path.with_name(f"{path.stem}_whole.png"))
                print(path)
    return {name: folder / f"{name}_desktop.png" for name in pages}


def write_small(picture: Path, small: Path) -> None:
    """Write a picture for the README, with fewer colours where it would be too large."""
    image = Image.open(picture).convert("RGB")
    for colours in COLOURS:
        image.quantize(colours, dither=Image.Dither.NONE).save(small, optimize=True)
        if small.stat().st_size < LARGEST:
            print(f"{small}: {small.stat().st_size / 1000:.0f} kB")
            return
    sys.exit(f"{small} is larger than {LARGEST} bytes with {COLOURS[-1]} colours: make it smaller")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="the folder of a study's results")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/_build/screenshots")
    parser.add_argument("--readme", type=Path, default=ROOT / "docs/images")
    options = parser.parse_args()
    found = find_pages(options.results)
    if not found:
        sys.exit(f"{options.results} has neither a report nor a worklist: run the study first")
    for name, picture in take_pictures(found, options.out).items():
        write_small(picture, options.readme / f"page_{name}.png")
