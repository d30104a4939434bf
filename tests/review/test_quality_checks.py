"""Quality checks of a mask: its measurements and the warnings for the reader."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_and_mask, edited
from livermets.lesions.components import label_lesions
from livermets.review.quality_checks import check_mask, touched_sides


def checked(ct, mask, phase=None, **record):
    table, measurements = label_lesions(ct, mask)[1:]
    fixed = {"source": "automatic", "correction": None, "geometry": "equal"}
    fixed |= {"original_grid": None}
    fixed |= {"dice_liver": 1.0, "dice_lesion": 1.0}
    return check_mask(
        ct, mask, table, measurements, fixed | record, {"phase": phase, "orientation": "LPS"}
    )


def test_a_plausible_mask_has_statistics_and_no_warning():
    ct, mask = ct_and_mask()
    found = checked(ct, mask)
    assert found["warnings"] == []
    labels, hu = sitk.GetArrayFromImage(mask), sitk.GetArrayFromImage(ct)
    assert found["parenchyma_hu"] == pytest.approx((hu[labels == 1].mean(), hu[labels == 1].std()))
    assert found["liver_ml"] == pytest.approx((labels > 0).sum() * 0.045)
    assert [one["number"] for one in found["lesions"]] == [1, 2]
    json.dumps(found)


CHANGES = {
    "the liver touches the foot, back border of the volume": lambda a: a.__setitem__(
        np.s_[:8, 40:, 20:40], 1
    ),
    r"the liver is in 2 pieces \(13 ml apart\)": lambda a: a.__setitem__(np.s_[5:12, 53:58, 2:10],
                                                                          1),
    "1 lesion outside the liver": lambda a: a.__setitem__(np.s_[5:8, 55:58, 2:6], 2),
    "a liver of .* ml is hardly plausible": lambda a: a.__setitem__(np.s_[:, :, 32:], 0),
    "no lesion large enough": lambda a: np.minimum(a, 1, out=a),
    "of the liver is lesion": lambda a: a.__setitem__(np.s_[5:19, 11:49, 13:50], 2),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_a_reader_should_look_at_is_said(change):
    wanted = next(text for text, known in CHANGES.items() if known is change)
    ct, mask = ct_and_mask()
    warnings = checked(ct, edited(mask, change))["warnings"]
    assert pd.Series(warnings).str.contains(wanted).any(), warnings


def test_hounsfield_units_that_do_not_fit_are_said():
    ct, mask = ct_and_mask()
    assert checked(ct - 59, mask)["warnings"] == [
        "parenchyma of 50 HU is unusual for the portal venous phase",
        "as dark as fat or gas: lesion 1, 2",
    ]
    bright = sitk.Cast(ct + 150 * sitk.Cast(mask == 2, sitk.sitkInt16), sitk.sitkInt16)
    assert checked(bright, mask)["warnings"] == ["brighter than the parenchyma: lesion 1, 2"]
    other_grid = {"geometry": "resampled", "original_grid": "2×2×2 of 1×1×1 mm"}
    assert checked(ct, mask, **other_grid)["warnings"] == [
        "the mask lay on another grid (2×2×2 of 1×1×1 mm) and was resampled, so its edges may be"
        " off by half a voxel"
    ]


@pytest.mark.parametrize("phase", ["native", "arterial", "delayed"])
@pytest.mark.parametrize("source", ["automatic", "corrected"])
def test_a_phase_that_the_models_have_not_seen_is_said(phase, source):
    assert checked(*ct_and_mask(), phase, source=source)["warnings"] == [
        f"the series is of the {phase} phase, and the models have seen portal venous CTs"
    ]


@pytest.mark.parametrize("phase", ["portal venous", None], ids=["portal venous", "not stated"])
def test_the_portal_venous_phase_and_an_unknown_one_are_no_warning(phase):
    assert checked(*ct_and_mask(), phase)["warnings"] == []


def test_the_phase_says_nothing_of_a_mask_that_was_given():
    assert checked(*ct_and_mask(), "native", source="given")["warnings"] == []


def test_a_liver_that_the_ct_cuts_through_is_said():
    ct, mask = ct_and_mask()
    cut = checked(ct[:, :, :14], mask[:, :, :14])["warnings"]
    assert "the liver touches the head border of the volume" in cut


def test_air_under_the_liver_and_a_mask_that_was_accepted_are_said():
    ct, mask = ct_and_mask()

    def with_air(part):
        air = sitk.GetArrayFromImage(ct)
        air[part] = -800
        image = sitk.GetImageFromArray(air)
        image.CopyInformation(ct)
        return checked(image, mask)["warnings"]

    share = 4 * 10 * 10 / (sitk.GetArrayFromImage(mask) == 1).sum()
    assert 0.01 < share < 0.02
    warnings = with_air(np.s_[4:8, 10:20, 12:22])
    assert warnings[0] == (
        f"{share:.1%} of the liver lies below -100 HU: the mask may reach into the lung, or lie"
        " beside the liver"
    )
    # two groups of voxels 910 HU apart, one of them with this share
    sd = 910 * np.sqrt(share * (1 - share))
    said = re.fullmatch(r"the HU of the liver have a standard deviation of (\d+) .*", warnings[1])
    assert int(said[1]) == pytest.approx(sd, abs=1)
    first = with_air(np.s_[4:8])[0]
    assert first.startswith("no liver has 2") and first.endswith("the study accepts this mask")


def test_no_side_is_named_where_the_file_does_not_state_the_orientation():
    ct, mask = ct_and_mask()
    foot = edited(mask, lambda a: a.__setitem__(np.s_[0:5, 20:30, 20:30], 1))
    table, measurements = label_lesions(ct, foot)[1:]
    record = {"source": "given", "correction": None, "geometry": "equal", "original_grid": None}
    record |= {"dice_liver": None, "dice_lesion": None}
    acquisition = {"phase": None, "orientation": None}
    warnings = check_mask(ct, foot, table, measurements, record, acquisition)["warnings"]
    assert "the liver touches the border of the volume" in warnings
    assert warnings[-1].startswith("the file of the CT does not state its orientation")


def test_borders_are_named_as_the_patient_lies_and_not_as_the_array_does():
    mask = ct_and_mask()[1]
    assert touched_sides(mask) == []
    foot = edited(mask, lambda a: a.__setitem__(np.s_[0, 20:30, 20:30], 1))
    assert touched_sides(foot) == ["foot"]
    feet_first = sitk.Image(foot)
    feet_first.SetDirection((1, 0, 0, 0, 1, 0, 0, 0, -1))
    assert touched_sides(feet_first) == ["head"]
    right = edited(mask, lambda a: a.__setitem__(np.s_[10, 20:30, 0], 1))
    assert touched_sides(right) == ["right"]


def test_the_least_probable_lesion_comes_last_and_one_without_a_model_first(tmp_path):
    ct, mask = ct_and_mask()
    table, measurements = label_lesions(ct, mask)[1:]
    record = dict.fromkeys(("source", "correction", "geometry", "dice_liver", "dice_lesion"))
    for given, numbers in (([0.6, 0.9], [2, 1]), ([0.6, None], [2, 1]), ([None, None], [1, 2])):
        table["model_probability"] = pd.Series(given, dtype=float)
        table.to_csv(tmp_path / "P1.tsv", sep="\t", index=False)
        for each in (table, pd.read_csv(tmp_path / "P1.tsv", sep="\t")):
            lesions = check_mask(
                ct, mask, each, measurements, record, {"phase": None, "orientation": "LPS"}
            )["lesions"]
            assert [lesion["number"] for lesion in lesions] == numbers
            by_number = {lesion["number"]: lesion["probability"] for lesion in lesions}
            assert [by_number[number] for number in (1, 2)] == given
            json.dumps(lesions, allow_nan=False)
