"""The IBSI CT phantom: what the dictionary calls comparable has the consensus value.

`ibsi_ct_phantom.tsv` holds the consensus values of the configurations A to D from the reference
manual (Zwanenburg et al., arXiv 1612.07003, CC BY 4.0), for the features that pyradiomics has. A
and B are in 2.5 D. E limits the grey values in two ways at once, which pyradiomics cannot. The
images (CC BY-NC 3.0, github.com/theibsi/data_sets) are read from the folder of test data.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.one_lesion import extract_lesion
from livermets.radiomics.feature_classes import FEATURE_CLASSES
from livermets.radiomics.ibsi import RESAMPLED, difference
from livermets.radiomics.settings import full_settings

GRID = {"interpolator": "sitkLinear", "resampledPixelSpacing": [2, 2, 2]}
IN_SLICES = {"force2D": True, "resegmentRange": [-500, 400]}
CONFIGURATIONS = {
    "A": IN_SLICES | {"binWidth": 25},
    "B": IN_SLICES | GRID | {"resampledPixelSpacing": [2, 2, 0], "binCount": 32},
    "C": GRID | {"resegmentRange": [-1000, 400], "binWidth": 25},
    "D": GRID | {"resegmentRange": [-3, 3], "resegmentMode": "sigma", "binCount": 32},
}


def consensus(configuration):
    """Feature -> (value, what it may be off by: the tolerance, or the rounding to three digits)."""
    with Path(__file__).with_name("ibsi_ct_phantom.tsv").open() as file:
        lines = [line for line in csv.DictReader(file, delimiter="\t")]
    values = {}
    for line in lines:
        if line["configuration"] == configuration:
            value = float(line["value"])
            rounding = 0.51 * 10 ** (np.floor(np.log10(abs(value))) - 2)
            values[line["feature"]] = value, max(float(line["tolerance"] or 0), rounding)
    return values


@pytest.fixture(scope="module")
def measured(real_data):
    """Configuration -> the features of the phantom's tumour."""
    folder = real_data / "ibsi_ct_phantom"
    if not folder.is_dir():
        pytest.skip(
            f"{folder} is missing: put phantom.nii.gz and mask.nii.gz there, from "
            "ibsi_1_ct_radiomics_phantom/nifti of github.com/theibsi/data_sets"
        )
    ct, mask = (sitk.ReadImage(folder / f"{part}.nii.gz") for part in ("phantom", "mask"))
    ct = sitk.Cast(sitk.Round(sitk.Cast(ct, sitk.sitkFloat64)), sitk.sitkInt16)
    mask = sitk.Cast(mask > 0, sitk.sitkUInt8)
    mask.CopyInformation(ct)
    return {
        name: extract_lesion(ct, mask, 1, settings, FEATURE_CLASSES)
        for name, settings in CONFIGURATIONS.items()
    }


def misses(measured, configuration):
    """Features whose value is not the consensus."""
    return {
        feature
        for feature, (value, allowed) in consensus(configuration).items()
        if abs(measured[configuration][f"original_{feature}"] - value) > allowed
    }


@pytest.mark.parametrize(("configuration", "n"), [("A", 74), ("B", 3), ("C", 2), ("D", 3)])
def test_what_is_called_comparable_has_the_consensus_value(measured, configuration, n):
    settings = full_settings(CONFIGURATIONS[configuration])
    comparable = {f for f in consensus(configuration) if not difference(f, settings)}
    assert len(comparable) == n
    assert not comparable & misses(measured, configuration)


def test_without_resampling_kurtosis_alone_misses_the_consensus(measured):
    """The lesion reaches the lower limit, so that levels count from there in pyradiomics too."""
    assert misses(measured, "A") == {"firstorder_Kurtosis"}
    value, allowed = consensus("A")["firstorder_Kurtosis"]
    assert measured["A"]["original_firstorder_Kurtosis"] - 3 == pytest.approx(value, abs=allowed)


@pytest.mark.parametrize(("configuration", "n"), [("B", 53), ("C", 90), ("D", 82)])
def test_most_resampled_features_miss_the_consensus(measured, configuration, n):
    missed = misses(measured, configuration)
    assert len(missed) == n
    settings = full_settings(CONFIGURATIONS[configuration])
    assert {difference(feature, settings) for feature in missed} >= {RESAMPLED}


def test_the_resampled_volume_misses_the_consensus(measured):
    value, allowed = consensus("C")["shape_MeshVolume"]
    assert measured["C"]["original_shape_MeshVolume"] == pytest.approx(360_364, abs=1)
    assert value - allowed == 361_000
