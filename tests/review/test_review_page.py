"""The review page as a file: what it holds, and what it must not."""

import json
import re

import pandas as pd
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_and_mask
from helpers.refusals import refused
from livermets.lesions.components import label_lesions
from livermets.review.quality_checks import check_mask
from livermets.review.review_page import list_lesions, removed_and_kept, write_review_page
from livermets.review.viewer_file import VIEWER, copy_viewer
from livermets.review.volume_packing import pack_scan

RECORD = {"source": "corrected", "correction": None, "geometry": "equal", "original_grid": None,
          "dice_liver": 1.0, "dice_lesion": 1.0}  # fmt: skip


@pytest.fixture
def page(tmp_path):
    """Write the page of a scan with two lesions; returns its text and its facts."""

    def write(label=None, warnings=(), oriented=True, limit=1_000_000, automatic=True):
        ct, mask = ct_and_mask()
        labelled, table, measured = label_lesions(ct, mask, min_diameter_mm=25)
        findings = check_mask(ct, mask, table, measured, RECORD, {"phase": None, "orientation": ""})
        findings["warnings"] = list(warnings)
        packed = pack_scan(ct, mask, labelled, mask if automatic else None, limit)
        path = tmp_path / "P01.view.html"
        write_review_page(path, "P01", packed, table, findings, "sha", oriented, "reviews", label)
        text = path.read_text()
        facts = re.search(r'id="facts">(.*?)</script>', text, re.S)[1]
        return text, json.loads(facts)

    return write


def test_a_page_has_lesions_volumes_and_the_hash_of_the_mask_and_no_address(page):
    text, facts = page()
    assert [row["lesion"] for row in facts["lesions"]] == [1]
    assert facts["mask_sha256"] == "sha" and facts["scan"] == "P01"
    for name in ("ct", "mask", "automatic"):
        assert f'id="volume-{name}"' in text
    assert "http://" not in text and "https://" not in text
    assert re.findall(r'(?:src|href)="([^"]*)"', text) == [
        "index.html", "P01.png", "P01.png", "P01.png", "niivue.umd.js",
    ]  # fmt: skip
    assert "1 dropped by the rules of the study" in text


def test_the_class_is_on_the_page_only_if_the_review_is_not_blind(page):
    assert "pancreatic" not in page()[0]
    assert "pancreatic" in page(label="pancreatic")[0]


def test_markup_in_a_warning_stays_text(page):
    text, _ = page(warnings=["</script><img src=x onerror=alert(1)>"])
    assert "<img src=x" not in text


def test_a_page_without_an_automatic_mask_offers_none_and_a_ct_without_sides_says_so(page):
    text, facts = page(automatic=False, oriented=False)
    assert "automatic mask beside" not in text
    assert "sides are unknown" in text and facts["oriented"] is False


def test_a_page_with_averaged_voxels_says_how_many(page):
    text, _ = page(limit=4000)
    assert re.search(r"Each pixel is the mean of (\d+) × \1 pixels of the CT", text)
    assert "mean of" not in page()[0].split("Lesions")[0]


def test_lesions_that_readers_removed_are_on_the_page_like_the_others():
    ct, mask = ct_and_mask()
    labelled, *_ = label_lesions(ct, mask)
    kept, removed = (sitk.Mask(labelled, labelled == number) for number in (1, 2))
    assert set(pack_scan(ct, mask, removed_and_kept(kept, removed)).places) == {1, 2}
    assert set(pack_scan(ct, mask, removed_and_kept(kept, None)).places) == {1}


@pytest.mark.parametrize(
    ("given", "order"),
    [([0.6, 0.9], [2, 1]), ([0.9, 0.6], [1, 2]), ([0.9, None], [2, 1]), ([None, None], [1, 2])],
    ids=["the second is surer", "the first", "one that no model saw", "no model at all"],
)
def test_the_least_probable_lesion_stands_last_on_the_page(given, order):
    ct, mask = ct_and_mask()
    labelled, table, _ = label_lesions(ct, mask)
    table["model_probability"] = pd.Series(given, dtype=float)
    listed = list_lesions(table, pack_scan(ct, mask, labelled))
    assert [row["lesion"] for row in listed] == order


def test_the_viewer_is_copied_and_another_file_is_refused(tmp_path):
    copy_viewer(tmp_path / "niivue.umd.js")
    assert (tmp_path / "niivue.umd.js").read_bytes() == VIEWER.read_bytes()
    other = tmp_path / "other.js"
    other.write_bytes(VIEWER.read_bytes() + b" ")
    with refused("other.js", "sha256", "Restore"):
        copy_viewer(tmp_path / "copy.js", other)
    assert not (tmp_path / "copy.js").exists()
