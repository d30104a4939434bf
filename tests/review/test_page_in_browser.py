"""The review page in Chromium, used as a reader uses it: by mouse and keyboard."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.browser import NO_WEBGL, SOFTWARE_WEBGL, Browser, browser
from helpers.review_page import write_patient_page
from livermets.review.decisions import read_readings
from PIL import Image

pytestmark = pytest.mark.slow
READY = "return document.body.dataset.viewer === 'ready'"
LIVER_HU, LESION_HU = 110, 50  # of the CT, with noise of 5 HU


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the page of a scan of two lesions, the viewer and the still picture."""
    folder = tmp_path_factory.mktemp("review")
    write_patient_page(folder)
    return folder


def saved_file(downloads: Path, name: str) -> dict:
    end = time.monotonic() + 30
    while not (downloads / name).exists() and time.monotonic() < end:
        time.sleep(0.2)
    return json.loads((downloads / name).read_text())


def shown(page: Browser, path: Path) -> np.ndarray:
    """The pixels of the window."""
    page.picture(path)
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_a_reader_looks_decides_and_saves_by_mouse(folder, tmp_path):
    with browser(tmp_path, *SOFTWARE_WEBGL) as page:
        page.open(folder / "P01.view.html")
        page.until(READY)
        assert not [name for name in page.loaded() if name.startswith("http")]
        sides = page.run(
            "return [...document.querySelectorAll('#final + .marks .side')].map(m => m.textContent)"
        )
        assert "".join(sides) == "RLAPRLSIPASI"
        # the list jumps to the lesion, and the HU there are those of the lesion
        for number in ("1", "2"):
            page.click(f'[data-lesion="{number}"]')
            hu = int(page.text("#hu").split()[1])
            assert abs(hu - LESION_HU) < 25
            page.until(
                f"return document.querySelector('.marks .chosen')?.textContent === '{number}'"
            )
        # the pointer tells HU without a click: air far from the liver, none over the lesion
        page.click('[data-planes="0"]')
        height = "return viewers[0].nv.scene.crosshairPos[2] * FACTS.shape[2]"
        start = page.run(height)
        page.click("#up")  # a phone has no wheel and no keys
        assert page.run(height) - start == pytest.approx(1, abs=0.51)
        page.click("#down")
        page.point_at("#final", 60, 0)
        assert "under the pointer" in page.text("#place")
        page.click('[data-window="150,30"]')
        assert page.text("#window") == "W 150 L 30"
        limits = "const image = viewers[0].nv.volumes[0]; return [image.cal_min, image.cal_max]"
        assert page.run(limits) == [-45, 105]
        # with the mask the liver has a colour, without it grey levels alone
        with_mask = shown(page, tmp_path / "mask.png")
        page.click("#mask")
        page.click("#numbers")
        time.sleep(1)
        without = shown(page, tmp_path / "no_mask.png")
        bluish = [
            (p[..., 2] - p[..., 0] > 40)[200:600, 20:1000].sum() for p in (with_mask, without)
        ]
        assert bluish[0] > 500 and bluish[1] < bluish[0] / 10
        page.click("#automatic")
        page.until("return viewers.length === 2")
        assert page.run("return viewers[1].nv.scene.crosshairPos.join() === "
                        "viewers[0].nv.scene.crosshairPos.join()")  # fmt: skip
        # saving asks for what is missing, one thing after the other
        page.click('[data-delete="2"]')
        page.click("#save")
        assert "why lesion 2 is deleted" in page.text("#status")
        page.write('[data-why="2"]', "a <b>vessel</b>")
        page.click("#save")
        assert "Choose a decision" in page.text("#status")
        page.click('[value="exclude"]')
        page.click("#save")
        assert "reason of the exclusion" in page.text("#status")
        page.write("#reason", "motion")
        page.click("#save")
        assert "who the reader is" in page.text("#status")
        page.write("#reader", "<i>Anna</i> Müller")
        page.click("#save")
        assert page.text("#status") == "Saved as P01.json."
        content = saved_file(tmp_path, "P01.json")
    (reading,) = read_readings([tmp_path / "P01.json"], "P01")
    assert (reading.reader, reading.decision) == ("<i>Anna</i> Müller", "exclude")
    assert content["mask_sha256"] == "sha"
    assert [row["decision"] for row in content["lesions"]] == ["keep", "delete"]
    assert content["lesions"][1]["reason"] == "a <b>vessel</b>"


def test_a_reader_needs_no_mouse_and_finds_the_draft_again(folder, tmp_path):
    with browser(tmp_path, *SOFTWARE_WEBGL) as page:
        page.open(folder / "P01.view.html")
        page.until(READY)
        start = page.run("return viewers[0].nv.scene.crosshairPos[2]")
        page.press("\ue013", "\ue013", "\ue015")  # up, up, down: one slice towards the head
        moved = page.run("return viewers[0].nv.scene.crosshairPos[2]")
        slices = page.run("return FACTS.shape[2]")
        assert moved - start == pytest.approx(1 / slices, abs=0.51 / slices)
        page.press("3", "+", "m", "b", "n", "n", "d")
        page.until("return viewers.length === 2")
        assert page.text("#window") == "W 1500 L 300"
        assert page.run("return viewers[0].nv.scene.pan2Dxyzmm[3]") == pytest.approx(1.25)
        assert page.run("return document.activeElement.dataset.why") == "2"
        page.write('[data-why="2"]', "maps")  # letters that are keys elsewhere
        page.press("\ue00c", "a")  # escape, accept
        page.run("document.getElementById('reader').focus()")
        page.write("#reader", "Ben")
        page.run("document.getElementById('several').focus()")
        page.press(" ", "s")
        content = saved_file(tmp_path, "P01.Ben.json")
        assert content["decision"] == "accept" and content["lesions"][1]["reason"] == "maps"
        page.open(folder / "P01.view.html")
        page.until(READY)
        assert page.run("return review()") == content


def test_without_webgl_the_stills_are_shown_and_decisions_can_be_saved(folder, tmp_path):
    with browser(tmp_path, *NO_WEBGL) as page:
        page.open(folder / "P01.view.html")
        page.until("return document.body.dataset.viewer === 'stills'")
        assert "no WebGL" in page.text("#trouble")
        page.until("return document.querySelector('#stills img').naturalWidth > 0")
        seen = (
            "return [...document.querySelectorAll(arguments[0])].some((e) => e.checkVisibility())"
        )
        assert page.run(seen, "#stills img") and page.run(seen, ".jump")
        assert not page.run(seen, ".tools, #panes, .where, canvas, .jump:enabled")
        page.press("a")
        page.write("#reader", "Anna")
        page.click("#save")
        assert saved_file(tmp_path, "P01.json")["decision"] == "accept"


def test_a_page_without_its_viewer_says_what_to_copy(folder, tmp_path):
    (tmp_path / "P01.view.html").write_bytes((folder / "P01.view.html").read_bytes())
    with browser(tmp_path, *SOFTWARE_WEBGL) as page:
        page.open(tmp_path / "P01.view.html")
        page.until("return document.body.dataset.viewer === 'stills'")
        assert "niivue.umd.js" in page.text("#trouble")
