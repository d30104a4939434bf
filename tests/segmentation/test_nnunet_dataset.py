"""nnU-Net's dataset: cases and settings that are refused, and the overrides of the plan."""

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.segmentation import training_cases
from livermets.core.errors import BadInput, BadPatient
from livermets.segmentation.nnunet_dataset import override_plan, write_cases
from livermets.segmentation.training import TrainingSettings, train

LABELS = {"liver": 1, "lesion": 2}
PLANNED = {
    "batch_size": 2,
    "patch_size": [8, 8, 8],
    "architecture": {"arch_kwargs": {"features_per_stage": [1, 1, 1]}},
}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return training_cases(tmp_path_factory.mktemp("cases"))[0]


@pytest.fixture
def write_changed(case, tmp_path):
    """Write the dataset of one case whose mask a function has changed."""

    def write(change):
        patient, ct, mask = case
        sitk.WriteImage(change(sitk.ReadImage(str(mask))), str(tmp_path / "mask.nii.gz"))
        write_cases([(patient, ct, tmp_path / "mask.nii.gz")], LABELS, tmp_path / "work")

    return write


def test_a_mask_with_an_unknown_value_is_refused_naming_the_patient(write_changed):
    with pytest.raises(BadPatient, match=r"patient T1: the mask has the values \[7\]"):
        write_changed(lambda mask: mask + 7 * sitk.Cast(mask == 0, mask.GetPixelID()))


def test_a_mask_on_another_grid_is_refused(write_changed):
    with pytest.raises(BadPatient, match="patient T1: mask and CT are not on one grid"):
        write_changed(lambda mask: mask[1:, :, :])


def test_no_cases_an_unknown_key_and_an_unknown_optimiser_are_refused(tmp_path):
    paths = tmp_path / "work", tmp_path / "model.zip"
    with pytest.raises(BadInput, match="no cases"):
        train([], LABELS, *paths, TrainingSettings(seed=5))
    with pytest.raises(BadInput, match="no key 'patch'"):
        override_plan(PLANNED, {"patch": [8, 8, 8]})
    with pytest.raises(BadInput, match="'lion'"):
        TrainingSettings(seed=5, optimiser="lion")


def test_a_network_of_two_stages_is_refused():
    with pytest.raises(BadInput, match=r"features_per_stage is \[4, 8\]; give 3 stages"):
        override_plan(PLANNED, {"features_per_stage": [4, 8]})


def test_strides_halve_what_the_patch_allows():
    overrides = {"patch_size": [12, 64, 64], "features_per_stage": [8, 16, 32, 64]}
    strides = override_plan(PLANNED, overrides)["architecture"]["arch_kwargs"]["strides"]
    assert strides == [[1, 1, 1], [2, 2, 2], [1, 2, 2], [1, 2, 2]]
    assert np.prod(strides, axis=0).tolist() == [2, 8, 8]
