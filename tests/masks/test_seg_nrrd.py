"""Masks as 3D Slicer keeps them: names, colours, extents and codes."""

import SimpleITK as sitk
from helpers.ct_images import ct_and_mask
from livermets.masks.seg_nrrd import write_seg_nrrd


def test_slicers_segments_have_names_colours_extents_and_codes(tmp_path):
    write_seg_nrrd(ct_and_mask()[1], tmp_path / "P1.seg.nrrd")
    image = sitk.ReadImage(str(tmp_path / "P1.seg.nrrd"))
    said = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    assert [said[f"Segment{i}_Name"] for i in (0, 1)] == ["liver", "lesion"]
    assert [said[f"Segment{i}_LabelValue"] for i in (0, 1)] == ["1", "2"]
    assert said["Segment1_Extent"] == "20 45 20 39 8 16"
    assert len(set(said[f"Segment{i}_Color"] for i in (0, 1))) == 2
    assert "SCT^14799000^Neoplasm, Secondary" in said["Segment1_Tags"]
    assert "SCT^10200004^Liver" in said["Segment0_Tags"]
