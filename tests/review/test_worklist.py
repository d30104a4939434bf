"""The worklist: one page with every patient, which needs no network."""

from helpers.ct_images import ct_and_mask
from livermets.lesions.components import label_lesions
from livermets.masks.seg_nrrd import write_seg_nrrd
from livermets.review.overlay import draw_overlay
from livermets.review.quality_checks import check_mask
from livermets.review.worklist import render_worklist


def test_the_worklist_shows_every_patient_and_asks_nothing_of_the_network(tmp_path):
    ct, mask = ct_and_mask()
    labelled, table, measurements = label_lesions(ct, mask)
    table["model_probability"] = [0.57, 0.83]
    draw_overlay(ct, mask, labelled, tmp_path / "P1.png", "P1")
    (tmp_path / "P2.png").write_bytes(b"")
    write_seg_nrrd(mask, tmp_path / "P1.seg.nrrd")
    (tmp_path / "P2.seg.nrrd").write_bytes(b"")
    out = {"stage": "import", "reason": "slices <b>missing</b>"}
    record = {"source": "corrected", "correction": {"reader": "R. Eader"}, "geometry": "equal"}
    record |= {"original_grid": None}
    record |= {"dice_liver": 1.0, "dice_lesion": 1.0}
    checked = check_mask(
        ct - 59, mask, table, measurements, record, {"phase": None, "orientation": "LPS"}
    )
    render_worklist(
        [{"patient": "P1", "label": "colorectal", "excluded": None, **checked},
         {"patient": "P2", "label": "pancreatic", "excluded": out}],
        [tmp_path / "P1.png", tmp_path / "P2.png"],
        [[tmp_path / "P1.seg.nrrd"], [tmp_path / "P2.seg.nrrd"]],
        tmp_path / "index.html",
    )  # fmt: skip
    page = (tmp_path / "index.html").read_text()
    assert "parenchyma of 50 HU is unusual" in page
    assert "R. Eader" in page
    assert "slices &lt;b&gt;missing&lt;/b&gt;" in page
    assert page.index("83 %") < page.index("57 %")
    assert "2 lesions, the least probable last" in page
    assert page.count("data:image/jpeg;base64,") == 1
    assert 'href="P1.seg.nrrd"' in page
    assert "P2.seg.nrrd" not in page
    assert "http" not in page.replace("data:image", "")


def test_the_class_is_shown_only_if_it_is_asked_for(tmp_path):
    out = {"stage": "import", "reason": "no"}
    rows = [
        {"patient": patient, "label": label, "excluded": out}
        for patient, label in (("P2", "colorectal"), ("P1", "pancreatic"))
    ]
    (tmp_path / "empty").touch()
    pages = []
    for blind in (True, False):
        nothing = [[], []]
        overlays = [tmp_path / "empty"] * 2
        render_worklist(rows, overlays, nothing, tmp_path / "index.html", blind=blind)
        pages.append((tmp_path / "index.html").read_text())
    assert "colorectal" not in pages[0] and "<th>Class</th>" not in pages[0]
    assert pages[0].index("<td>P1<") < pages[0].index("<td>P2<")
    assert "colorectal" in pages[1] and pages[1].index("<td>P2<") < pages[1].index("<td>P1<")
