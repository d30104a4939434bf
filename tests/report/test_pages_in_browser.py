"""All pages in Chromium: no overflow, nothing cut off, axe-core, values, print, looks."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.browser import Browser
from helpers.classes import CLASSES, POSITIVE
from helpers.ct_images import ct_and_mask
from helpers.pages import (
    DESKTOP,
    PHONE,
    SIZES,
    STICKS_OUT,
    axe_findings,
    axe_script,
    command,
    in_one_font,
    open_folds,
    opened_page,
    printed,
    whole_picture,
)
from helpers.prediction_tables import write_slices
from helpers.review_page import write_patient_page
from livermets.lesions.components import label_lesions
from livermets.report.figures.all_figures import FigureData, draw_figures
from livermets.report.render import render_report
from livermets.review.overlay import draw_overlay
from livermets.review.quality_checks import check_mask
from livermets.review.viewer_file import copy_viewer
from livermets.review.worklist import render_worklist
from PIL import Image

pytestmark = pytest.mark.slow
REFERENCES = Path(__file__).parent / "reference_pages"
BLOCKS = (40, 28)  # of the picture of a window: each is a value that is compared
TOLERANCE = 4  # mean difference of the blocks, in grey values of 0 to 255
PAGES = ("report", "worklist", "patient")
CASES = [(page, size, dark) for page in PAGES for size in SIZES for dark in (False, True)]
NAMES = [f"{page}-{size}-{'dark' if dark else 'light'}" for page, size, dark in CASES]


@pytest.fixture(scope="module")
def report(study, results, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    tables = {name: getattr(study, name) for name in ("predictions", "metrics", "confusion")}
    slices = write_slices(tmp_path_factory.mktemp("slices"), study.cohort)
    primary = ("knn-none", "baseline_volume")
    data = FigureData(
        **tables, cohort=study.cohort, splits=study.splits, schemes=["holdout", "cv"],
        classes=CLASSES, positive=POSITIVE, primary=primary, slices=slices,
    )  # fmt: skip
    draw_figures(folder / "figures", data)
    pairs = study.differences
    named = (pairs["arm"] == primary[0]) & (pairs["reference"] == primary[1])
    named &= (pairs["level"] == "patient") & (pairs["scheme"] == "cv")
    whole = replace(results, figures=folder / "figures", differences=pairs.assign(primary=named))
    path = folder / "report.html"
    path.write_text(render_report(whole), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def worklist(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    ct, mask = ct_and_mask()
    labelled, table, measurements = label_lesions(ct, mask)
    table["model_probability"] = [0.57, 0.83]
    draw_overlay(ct, mask, labelled, folder / "P1.png", "P1")
    (folder / "P2.png").write_bytes(b"")
    (folder / "P1.seg.nrrd").write_bytes(b"mask")
    record = {"source": "corrected", "correction": {"reader": "R. Eader"}, "geometry": "equal"}
    record |= {"original_grid": None, "dice_liver": 1.0, "dice_lesion": 1.0}
    facts = {"phase": None, "orientation": "LPS"}
    checked = check_mask(ct - 59, mask, table, measurements, record, facts)
    excluded = {"stage": "import", "reason": "slices are missing"}
    rows = [
        {"patient": "P1", "label": CLASSES[0], "excluded": None, **checked},
        {"patient": "P2", "label": CLASSES[1], "excluded": excluded},
    ]
    overlays = [folder / "P1.png", folder / "P2.png"]
    render_worklist(rows, overlays, [[folder / "P1.seg.nrrd"], []], folder / "worklist.html")
    return folder / "worklist.html"


@pytest.fixture(scope="module")
def axe(request) -> str:
    return axe_script(request.config.cache.mkdir("axe"))


@pytest.fixture(scope="module")
def patient(tmp_path_factory) -> Path:
    return write_patient_page(tmp_path_factory.mktemp("patient"))


@pytest.fixture
def pages(report, worklist, patient) -> dict[str, Path]:
    return {"report": report, "worklist": worklist, "patient": patient}


@pytest.fixture
def opened(pages, tmp_path):
    @contextmanager
    def open_(page: str, size: str = "desktop", dark: bool = False) -> Iterator[Browser]:
        with opened_page(pages[page], tmp_path, SIZES[size], dark) as window:
            yield window

    return open_


def decide(window: Browser) -> None:
    """Put the patient's page into the state that shows most: two panes, a lesion without reason."""
    window.click("#automatic")
    window.until("return viewers.length === 2")
    window.click('[data-delete="2"]')
    window.click('[value="exclude"]')
    window.click("#save")
    assert "why lesion 2" in window.text("#status")


@pytest.mark.parametrize(("page", "size"), [(p, s) for p in PAGES for s in SIZES])
def test_nothing_is_wider_than_the_window_or_cut_off(opened, page, size):
    with opened(page, size) as window:
        open_folds(window)
        assert window.run("return innerWidth") == SIZES[size][0]
        assert window.run("return document.documentElement.scrollWidth") <= SIZES[size][0]
        assert window.run(STICKS_OUT) == []


def test_what_sticks_out_or_is_cut_off_is_found(opened):
    with opened("report", "phone") as window:
        window.run(
            "document.querySelector('main').insertAdjacentHTML('beforeend', "
            '\'<p style="width:900px">wide</p>'
            '<p style="width:40px;overflow:hidden;white-space:nowrap">is cut off here</p>\')'
        )
        found = window.run(STICKS_OUT)
        assert len(found) == 2 and "wide" in found[0] and "cut off" in found[1]


@pytest.mark.parametrize(("page", "size", "dark"), CASES, ids=NAMES)
def test_axe_finds_nothing_serious(opened, axe, page, size, dark):
    with opened(page, size, dark) as window:
        open_folds(window)
        assert axe_findings(window, axe) == []


@pytest.mark.parametrize("size", SIZES)
def test_a_page_with_decisions_is_not_too_wide_and_axe_finds_nothing_serious(opened, axe, size):
    with opened("patient", size) as window:
        decide(window)
        open_folds(window)
        assert window.run("return document.documentElement.scrollWidth") <= SIZES[size][0]
        assert window.run(STICKS_OUT) == []
        assert axe_findings(window, axe) == []


def test_axe_finds_a_picture_without_a_text_and_pale_words(opened, axe):
    with opened("report") as window:
        window.run(
            "document.querySelector('main').insertAdjacentHTML('beforeend', "
            '\'<img src="data:,"><p style="color:#ccc;background:#fff">pale</p>\')'
        )
        found = " ".join(axe_findings(window, axe))
        assert "image-alt" in found and "color-contrast" in found


def test_the_pointer_over_a_curve_shows_its_name_and_values(opened, report):
    panels = json.loads((report.parent / "figures/roc_cv.json").read_text())["panels"]
    (panel,) = (panel for panel in panels if panel["title"] == "DenseNet-121")
    (curve,) = (curve for curve in panel["curves"] if curve["name"].startswith("DenseNet"))
    left, top, width, height = panel["box"]
    upper = top + height * (panel["y"][1] - max(curve["y"])) / (panel["y"][1] - panel["y"][0])
    image = "#cv img[alt='ROC curves of all arms by patient']"
    with opened("report") as window:
        open_folds(window)
        wide, high = window.run(
            "const image = document.querySelector(arguments[0]);"
            "image.scrollIntoView({block: 'center', behavior: 'instant'});"
            "return [image.clientWidth, image.clientHeight]",
            image,
        )

        def values(x: float, y: float) -> tuple[bool, str]:
            """Whether a value is shown, and which, with the pointer at shares of the picture."""
            window.point_at(image, round((x - 0.5) * wide), round((y - 0.5) * high))
            shown = "const part = document.querySelector(arguments[0]).parentElement"
            shown += ".querySelector('.values'); return [!part.hidden, part.textContent]"
            return window.run(shown, image)

        # in the middle of the panel, at the height that the curve reaches there
        shown, text = values(left + width / 2, upper)
        assert shown
        assert text.startswith(curve["name"] + ": 1 − specificity ")
        specificity, sensitivity = re.findall(r"\d\.\d\d", text.removeprefix(curve["name"]))
        assert float(specificity) == pytest.approx(0.5, abs=0.03)
        assert float(sensitivity) == pytest.approx(max(curve["y"]), abs=0.01)
        assert not values(0.01, 0.01)[0]


ROWS = """return [...document.querySelectorAll("table.sortable tbody tr")]
  .filter((row) => row.closest("table") === document.querySelector("table.sortable"))
  .filter((row) => row.checkVisibility() && !row.classList.contains("family"))
  .map((row) => [...row.cells].map((cell) => cell.textContent.trim()))"""


def test_table_3_is_sorted_by_mouse_and_key_and_filtered_by_words(opened):
    with opened("report") as window:
        open_folds(window)
        as_written = window.run(ROWS)
        names = window.run(
            "return [...document.querySelector('table.sortable').tHead.rows[0].cells]"
            ".map((cell) => cell.textContent)"
        )
        column = names.index("AUC")
        assert len(as_written) > 4
        heading = f"table.sortable thead th:nth-child({column + 1})"
        sorted_as = f"return document.querySelector('{heading}').getAttribute('aria-sort')"

        def values() -> list[float]:
            cells = (row[column] for row in window.run(ROWS))
            return [float(cell.split()[0]) for cell in cells if cell[0].isdigit()]

        window.click(f"{heading} button")
        assert window.run(sorted_as) == "descending"
        assert len(set(values())) > 1 and values() == sorted(values(), reverse=True)
        window.press("\ue007")  # the enter key: the button has the focus
        assert window.run(sorted_as) == "ascending" and values() == sorted(values())
        assert all(row[0] for row in window.run(ROWS))  # each row has the name of its model
        window.press("\ue007")
        assert window.run(sorted_as) is None and window.run(ROWS) == as_written

        few = [row for row in as_written if "nearest" in row[0].lower() and row[1] == "SMOTE"]
        window.write(".filter input", "SMOTE nearest")
        assert window.run(ROWS) == few and len(few) == 1
        assert window.text(".filter output") == f"1 of {len(as_written)} arms"
        window.run("document.querySelector('.filter input').select()")
        window.press("\ue003")  # backspace
        assert window.run(ROWS) == as_written and not window.text(".filter output")


def test_the_print_has_every_section_and_no_buttons(opened):
    with opened("report") as window:
        pdf = printed(window)
        pages = len(re.findall(rb"/Type /Page\b", pdf))
        assert 8 <= pages <= 60
        assert b"/FontFile2" in pdf
        window.ask("POST", "/goog/cdp/execute", {
            "cmd": "Emulation.setEmulatedMedia", "params": {"media": "print"}
        })  # fmt: skip
        shown = (
            "return [...document.querySelectorAll(arguments[0])].some((e) => e.checkVisibility())"
        )
        assert not window.run(shown, ".files, .filter, #open-all, nav")
        assert window.run(shown, "h1")


@pytest.mark.parametrize(("page", "size", "dark"), CASES, ids=NAMES)
def test_the_page_looks_as_it_did(pages, tmp_path, page, size, dark, request):
    """The picture of a window against the stored one; without a style sheet it is another."""
    reference = REFERENCES / f"{request.node.callspec.id}.png"
    copy = in_one_font(pages[page], tmp_path / "copy.html")
    copy_viewer(tmp_path / "niivue.umd.js")
    with opened_page(copy, tmp_path, SIZES[size], dark) as window:
        window.picture(tmp_path / "now.png")
        now = blocks(tmp_path / "now.png")
        if not reference.exists():
            REFERENCES.mkdir(exist_ok=True)
            Image.fromarray(now).save(reference)
            pytest.fail(f"{reference} was missing and was written: look at the page and commit it")
        then = np.asarray(Image.open(reference))
        far = difference(now, then)
        assert far < TOLERANCE, f"look at the page; if it is good, delete {reference} and run again"
        window.run("document.querySelectorAll('style').forEach((style) => style.remove())")
        window.picture(tmp_path / "bare.png")
        assert difference(blocks(tmp_path / "bare.png"), then) > 2 * TOLERANCE


@pytest.mark.parametrize("size", SIZES)
def test_three_planes_fill_the_screen_and_the_axial_one_is_the_largest(opened, size):
    """Wide screens have the axial plane on the left, tall ones above."""
    with opened("patient", size) as window:
        tiles, screen = window.run(
            "const nv = viewers[0].nv;"
            "return [nv.screenSlices.map((tile) => [tile.axCorSag, ...tile.leftTopWidthHeight]),"
            " [nv.canvas.width, nv.canvas.height]]"
        )
        tiles = {plane: [abs(value) for value in box] for plane, *box in tiles if plane < 3}
        assert set(tiles) == {0, 1, 2}
        areas = {plane: width * height for plane, (_, _, width, height) in tiles.items()}
        assert max(areas, key=areas.get) == 0
        assert sum(areas.values()) > 0.5 * screen[0] * screen[1]


def test_the_print_of_a_patient_has_the_stills_and_the_lesions_and_no_black_canvas(opened):
    with opened("patient") as window:
        window.run("dispatchEvent(new Event('beforeprint'))")
        command(window, "Emulation.setEmulatedMedia", media="print")
        shown = "return document.querySelector(arguments[0]).checkVisibility()"
        assert [s for s in (".tools", "#panes", "#save") if window.run(shown, s)] == []
        assert window.run(shown, "#stills img") and window.run(shown, ".lesions")
        window.run("dispatchEvent(new Event('afterprint'))")
        assert not window.run("return document.getElementById('stills').open")


def test_the_picture_of_a_long_page_shows_each_part_once_and_in_its_place(tmp_path):
    """30,000 pixels: lines of their own grey value every 100 pixels, above any texture's limit."""
    lines = "".join(
        f'<div style="height:100px;background:rgb({number % 251},{number // 251},7)"></div>'
        for number in range(300)
    )
    page = tmp_path / "long.html"
    page.write_text(f'<!doctype html><html><body style="margin:0">{lines}</body></html>')
    with opened_page(page, tmp_path, PHONE) as window:
        picture = np.asarray(whole_picture(window))
    assert picture.shape == (30_000, PHONE[0], 3)
    found = picture[50::100, [0, -1]].astype(int)
    expected = [[number % 251, number // 251, 7] for number in range(300)]
    assert (found == np.array(expected)[:, None]).all()


def blocks(picture: Path) -> np.ndarray:
    """The mean grey values of the blocks of a picture."""
    grey = Image.open(io.BytesIO(picture.read_bytes())).convert("L")
    return np.asarray(grey.resize(BLOCKS, Image.Resampling.BOX))


def difference(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - two).mean())


def test_the_windows_are_those_of_a_desk_and_of_a_phone():
    assert DESKTOP[0] == 1280 and PHONE[0] == 390
