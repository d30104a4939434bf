"""Chromium without a window, driven over the WebDriver protocol with the standard library alone."""

import base64
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element, of the W3C's WebDriver
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--no-first-run"),
    "--force-prefers-reduced-motion",  # a smooth scroll moves what is about to be clicked
)
SOFTWARE_WEBGL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
NO_WEBGL = ("--disable-gpu", "--disable-3d-apis")
PATIENCE = 90  # seconds; software WebGL is slow where other jobs have the cores


def chromium() -> tuple[str, str]:
    """Chromium and its driver; the test is skipped where one of them is missing."""
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("Chromium and chromedriver are not installed")
    return browser, driver


class Browser:
    """A session of the browser."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, body: dict | None = None) -> Any:
        """Send a command of the protocol; returns the value of the answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.loads(answer.read())["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def open(self, page: Path) -> None:
        """Open a file."""
        self.ask("POST", "/url", {"url": page.absolute().as_uri()})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page; returns what it returns."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector: str) -> str:
        """The path of the element that a CSS selector finds."""
        found = self.ask("POST", "/element", {"using": "css selector", "value": selector})
        return f"/element/{found[ELEMENT]}"

    def click(self, selector: str) -> None:
        """Click an element as a person does: it must be visible and nothing may cover it."""
        self.ask("POST", f"{self.find(selector)}/click", {})

    def write(self, selector: str, text: str) -> None:
        """Type a text into an element."""
        self.ask("POST", f"{self.find(selector)}/value", {"text": text})

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        actions = [{"type": kind, "value": k} for k in keys for kind in ("keyDown", "keyUp")]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": actions}]})

    def point_at(self, selector: str, right: int, down: int) -> None:
        """Move the pointer to a place, in pixels from the middle of an element."""
        element = {ELEMENT: self.find(selector).rsplit("/", 1)[1]}
        move = {"type": "pointerMove", "duration": 0, "origin": element, "x": right, "y": down}
        self.ask(
            "POST", "/actions", {"actions": [{"type": "pointer", "id": "p", "actions": [move]}]}
        )

    def loaded(self) -> list[str]:
        """The addresses of everything that the page has loaded."""
        script = "return performance.getEntriesByType('resource').map(entry => entry.name)"
        names: list[str] = self.run(script)
        return names

    def text(self, selector: str) -> str:
        """The visible text of an element."""
        return self.ask("GET", f"{self.find(selector)}/text")

    def until(self, script: str) -> Any:
        """Wait until JavaScript returns something true; returns it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if value := self.run(script):
                return value
            time.sleep(0.2)
        raise AssertionError(f"after {PATIENCE} s still not: {script}")

    def picture(self, path: Path) -> None:
        """Write what the window shows, as PNG; a busy machine needs several attempts."""
        for attempt in range(6):
            try:
                path.write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))
                return
            except AssertionError:
                if attempt == 5:
                    raise


@contextmanager
def browser(downloads: Path, *flags: str, size: tuple[int, int] = (1500, 950)) -> Iterator[Browser]:
    """A browser that saves into a folder and knows no address of any network."""
    program, driver = chromium()
    process = subprocess.Popen(
        [driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        port = next(
            int(line.split()[-1].rstrip(".")) for line in lines if "successfully on port" in line
        )
        window = (f"--window-size={size[0]},{size[1]}", "--host-resolver-rules=MAP * ~NOTFOUND")
        options = {
            "binary": program,
            "args": [*FLAGS, *window, f"--user-data-dir={downloads / 'profile'}", *flags],
            "prefs": {"download.default_directory": str(downloads)},
        }
        root = f"http://127.0.0.1:{port}/session"
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
        session = Browser(root).ask("POST", "", wanted)["sessionId"]
        page = Browser(f"{root}/{session}")
        try:
            yield page
        finally:
            page.ask("DELETE", "")
    finally:
        process.terminate()
        process.wait()
