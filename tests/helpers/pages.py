"""Pages of the workflow in Chromium: their pictures, what sticks out, and what axe-core finds."""

import base64
import hashlib
import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from helpers.browser import SOFTWARE_WEBGL, Browser, browser
from PIL import Image

DESKTOP, PHONE = (1280, 900), (390, 844)  # width and height of the window in pixels
SIZES = {"desktop": DESKTOP, "phone": PHONE}
STRIP = 4096  # pixels
AXE = "axe-core@4.14.1"
AXE_SHA512 = (
    "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b73"
    "4f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5"
)
# Kept when fonts are loaded and the pictures of the page are there. One below the window with
# loading="lazy" would be waited for without end.
PAINTED = """Promise.all([document.fonts.ready, ...[...document.images].filter((image) =>
  image.checkVisibility()).map((image) => { image.loading = "eager"; return image.decode(); })
]).then(() => true)"""
# The page of a patient says when its viewer has drawn, or that it shows the still pictures.
VIEWER_DONE = "return !document.getElementById('panes') || document.body.dataset.viewer"
# What sticks out of the window, or is cut off by its own box. What scrolls sideways may be wider;
# text for screen readers alone is cut off on purpose.
STICKS_OUT = """
const seen = (e) => e.checkVisibility() && !e.closest(".unseen, .again, .skip, .scroll, pre");
const name = (e) => `${e.tagName} ${e.className} “${e.textContent.trim().slice(0, 40)}”`;
return [...document.querySelectorAll("body *")].filter(seen).filter((e) => {
  const box = e.getBoundingClientRect();
  const cut = getComputedStyle(e).overflowX === "hidden" && e.scrollWidth > e.clientWidth + 1;
  return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1 || cut);
}).map(name);
"""


@contextmanager
def opened_page(
    page: Path, folder: Path, size: tuple[int, int] = DESKTOP, dark: bool = False
) -> Iterator[Browser]:
    """A page in a window of this size; `folder` is for the files of the browser."""
    with browser(folder, *SOFTWARE_WEBGL, size=(max(size[0], 600), size[1])) as window:
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        command(window, "Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        command(window, "Emulation.setEmulatedMedia", features=[scheme])
        window.open(page)
        run_and_wait(window, PAINTED)
        window.until(VIEWER_DONE)
        yield window


def run_and_wait(window: Browser, promise: str) -> Any:
    """Run JavaScript that is a promise; returns what it is kept with."""
    script = f"const done = arguments[arguments.length - 1]; ({promise}).then(done);"
    return window.ask("POST", "/execute/async", {"script": script, "args": []})


def in_one_font(page: Path, copy: Path) -> Path:
    """Write a copy of a page in the font that comes with matplotlib, to look alike everywhere."""
    font = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    data = base64.b64encode(font.read_bytes()).decode()
    face = f"@font-face {{ font-family: One; src: url(data:font/ttf;base64,{data}); }}"
    style = f"<style>{face} * {{ font-family: One !important; }}</style></head>"
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text("utf-8"))
    copy.write_text(text.replace("</head>", style, 1), encoding="utf-8")
    return copy


def command(window: Browser, name: str, **parameters: Any) -> Any:
    """Send a command of Chromium's own protocol; returns its answer."""
    return window.ask("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})


def open_folds(window: Browser) -> None:
    """Open all folded parts of the page."""
    window.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")


def whole_picture(window: Browser) -> Image.Image:
    """A picture of the page from top to bottom, put together from strips.

    A strip is lower than `STRIP` pixels, since Chromium repeats parts of a picture that is higher
    than the largest texture of its GPU (16384 pixels, less with some drivers).
    """
    page = command(window, "Page.getLayoutMetrics")["cssContentSize"]
    width, height = round(page["width"]), round(page["height"])
    whole = Image.new("RGB", (width, height))
    for top in range(0, height, STRIP):
        clip = {"x": 0, "y": top, "width": width, "height": min(STRIP, height - top), "scale": 1}
        parameters = {"format": "png", "captureBeyondViewport": True, "clip": clip}
        strip = command(window, "Page.captureScreenshot", **parameters)["data"]
        whole.paste(Image.open(io.BytesIO(base64.b64decode(strip))).convert("RGB"), (0, top))
    return whole


def printed(window: Browser) -> bytes:
    """The page as it prints on A4, as PDF."""
    paper = {"paperWidth": 210 / 25.4, "paperHeight": 297 / 25.4, "printBackground": True}
    return base64.b64decode(command(window, "Page.printToPDF", **paper)["data"])


def axe_script(folder: Path) -> str:
    """The script of axe-core, fetched once by npm into a folder; skipped without npm or network."""
    script = folder / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm") or pytest.skip("npm is not installed, so axe-core is missing")
        done = subprocess.run([npm, "pack", AXE], cwd=folder, capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"npm did not fetch {AXE}")
        (archive,) = folder.glob("axe-core-*.tgz")
        content = archive.read_bytes()
        assert hashlib.sha512(content).hexdigest() == AXE_SHA512, f"{archive} is another {AXE}"
        with tarfile.open(fileobj=io.BytesIO(content)) as packed:
            script.write_bytes(packed.extractfile("package/axe.min.js").read())
    return script.read_text(encoding="utf-8")


def axe_findings(window: Browser, script: str) -> list[str]:
    """What axe-core calls serious or critical: rule, first element, and what to do."""
    window.run(script)
    wanted = """
      axe.run(document, {resultTypes: ["violations"]}).then((found) => found.violations
        .filter((v) => ["serious", "critical"].includes(v.impact))
        .map((v) => `${v.id}: ${v.nodes.map((node) => node.html).slice(0, 3)} ${v.help}`))
    """
    found: list[str] = run_and_wait(window, wanted)
    return found
