"""Images in the leakage audit: phantoms share nothing, and a copy under another id is found."""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from helpers.audited_study import SPLITS, audited, found, only, question
from helpers.classes import CLASSES
from livermets.audit.fingerprints import fingerprint
from livermets.audit.near_duplicates import MAX_EXPECTED_PAIRS, compare_lesions
from livermets.features.features_table import feature_columns
from livermets.lesions.components import label_lesions
from livermets.phantoms.phantom import make_phantom
from livermets.radiomics.extraction import LesionExtractor


def phantom(patient: str, number: int):
    size = {"colorectal": 4, "pancreatic": 8}
    label = CLASSES[number % 2]
    ct, mask = make_phantom(patient, label, CLASSES, 7, 1.0, (30, 96, 96), (2.5, 2.5, 3.0), size)
    return ct, mask, label_lesions(ct, mask)[0]


@pytest.fixture(scope="module")
def phantoms() -> dict[str, tuple]:
    return {f"D{i:02}": phantom(f"D{i:02}", i) for i in range(12)}


@pytest.fixture(scope="module")
def phantom_table(phantoms) -> pd.DataFrame:
    return pd.concat([radiomics(name, *images) for name, images in phantoms.items()])


def radiomics(name, ct, mask, lesions) -> pd.DataFrame:
    extractor = LesionExtractor({"binWidth": 25}, ["firstorder", "shape", "glcm"])
    rows = extractor.extract(ct, lesions)
    return pd.DataFrame(rows).assign(patient=name, label=CLASSES[int(name[1:3]) % 2])


def test_different_phantoms_share_nothing(phantoms, phantom_table):
    prints = {name: fingerprint(*images) for name, images in phantoms.items()}
    assert all(len(known["slices"]) == 30 for known in prints.values())
    cohort = phantom_table[["patient", "label"]].drop_duplicates().assign(included=True)
    checks = audited(cohort, phantom_table, SPLITS, prints)
    assert not found(checks)
    assert (
        compare_lesions(phantom_table, feature_columns(phantom_table)).pairs[0].expected
        > 10 * MAX_EXPECTED_PAIRS
    )


def test_a_phantom_scanned_again_with_other_noise_is_found_by_its_features(phantoms, phantom_table):
    ct, mask, lesions = phantoms["D05"]
    noise = np.random.default_rng(3).normal(0, 1, sitk.GetArrayViewFromImage(ct).shape)
    other = sitk.GetImageFromArray(np.rint(sitk.GetArrayFromImage(ct) + noise).astype(np.int16))
    other.CopyInformation(ct)
    both = pd.concat([phantom_table, radiomics("D05again", other, mask, lesions)])
    nearest = compare_lesions(both, feature_columns(both)).pairs[0]
    assert nearest.patients == ("D05", "D05again")
    assert nearest.expected < MAX_EXPECTED_PAIRS


def changed(image: sitk.Image, change) -> sitk.Image:
    array = np.ascontiguousarray(change(sitk.GetArrayFromImage(image)))
    result = sitk.GetImageFromArray(array)
    result.SetSpacing(image.GetSpacing())
    return result


@pytest.mark.parametrize(
    "change",
    [lambda a: a, lambda a: a[::-1], lambda a: a[:, :, ::-1], lambda a: a[6:24]],
    ids=["same", "upside down", "mirrored", "cut shorter"],
)
def test_one_ct_under_two_ids_is_found_even_flipped_or_cut(phantoms, change):
    prints = {name: fingerprint(*phantoms[name]) for name in ("D01", "D02")}
    prints["D03"] = fingerprint(*(changed(image, change) for image in phantoms["D01"]))
    shared = [f for f in found(audited(prints=prints)) if "CT slices" in f.text]
    assert [f.patients for f in shared] == [("D01", "D03")]
    slices = change(np.zeros((30, 2, 2))).shape[0]
    assert f"share {slices} of {slices} CT slices" in shared[0].text


def test_one_mask_on_two_cts_is_found_wherever_it_lies(phantoms):
    ct, mask, lesions = phantoms["D01"]
    moved = sitk.ConstantPad(mask, [5, 3, 1], [0, 0, 0])
    assert fingerprint(ct, mask, lesions)["mask"] == fingerprint(ct, moved, lesions)["mask"]
    prints = {"D01": fingerprint(ct, mask, lesions), "D02": fingerprint(*phantoms["D02"])}
    prints["D02"]["mask"] = prints["D01"]["mask"]
    assert "D01 and D02 have the same mask" in only(audited(prints=prints)).text


def test_one_lesion_in_two_patients_is_found_by_its_voxels(phantoms):
    ct, _, lesions = phantoms["D01"]
    other_ct, other_mask, other_lesions = (sitk.Image(image) for image in phantoms["D02"])
    largest = sitk.GetArrayFromImage(lesions) == 1
    hu, numbers = sitk.GetArrayFromImage(other_ct), sitk.GetArrayFromImage(other_lesions)
    hu[largest], numbers[largest] = sitk.GetArrayFromImage(ct)[largest], 99
    images = (
        changed(other_ct, lambda _: hu),
        other_mask,
        changed(other_lesions, lambda _: numbers),
    )
    prints = {"D01": fingerprint(*phantoms["D01"]), "D02": fingerprint(*images)}
    assert "D01 and D02 share all voxels of 1 lesion" in only(audited(prints=prints)).text


def test_empty_masks_and_padding_identify_nobody():
    air = sitk.GetImageFromArray(np.full((3, 40, 40), -1024, np.int16))
    nothing = sitk.GetImageFromArray(np.zeros((3, 40, 40), np.uint8))
    known = fingerprint(air, nothing, nothing)
    assert known == {"slices": [], "mask": None, "lesions": {}}
    assert not found(audited(prints={"A": known, "B": known}))


def test_images_without_anything_to_hash_could_not_be_looked_at():
    nothing = {"slices": [], "mask": None, "lesions": {}}
    checks = audited(prints={"A": nothing, "B": nothing})
    assert question(checks, "Do two patients share a CT").outcome == "not looked at"
