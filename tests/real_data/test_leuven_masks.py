"""Masks of real CTs by the networks of KU Leuven, with their published weights.

The weights come from the package index that pip is configured with; without one the tests are
skipped. `make bench-masks` measures the same masks.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import yaml
from helpers.segmentation import ROOT, arrays, dice
from livermets.core.errors import BadInput
from livermets.imaging.ct import import_ct
from livermets.lesions.components import label_lesions
from livermets.segmentation.inference import segment
from livermets.segmentation.model_chain import ChainedModel, load_chain
from livermets.segmentation.package_download import download_package
from livermets.study.config import load_config
from scipy import ndimage

pytestmark = pytest.mark.slow
RECIPE = ROOT / "config/recipes/leuven.yaml"


@pytest.fixture(scope="session")
def chain(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[ChainedModel]:
    """The chain of the recipe, as a new study loads it."""
    segmentation = load_config(yaml.safe_load(RECIPE.read_text()))["segmentation"]
    (model,) = segmentation["models"]
    if not Path(model["path"]).exists():
        model["path"] = str(tmp_path_factory.mktemp("model") / "model.zip")
        try:
            download_package(model["package"], model["sha256"], Path(model["path"]), "leuven")
        except BadInput as problem:
            pytest.skip(f"the weights cannot be had: {problem}")
    return load_chain([model], "cpu", threads=2)


@pytest.fixture(scope="session")
def case(real_data: Path, dicom_folder: Callable[[str], Path]) -> Callable:
    """CT and true mask of one of the real cases, by its name."""
    truths = {"chaos_set3": "liver_gt.nii.gz", "crlm_1006": "labels.nii.gz"}

    def read(name: str) -> tuple[sitk.Image, np.ndarray]:
        (truth,) = arrays(sitk.ReadImage(str(real_data / name / truths[name])))
        return import_ct(dicom_folder(name), name)[0], truth

    return read


def test_a_healthy_liver_is_outlined_as_by_the_expert_and_has_no_lesion(chain, case):
    ct, truth = case("chaos_set3")
    (mask,) = arrays(segment(ct, chain).mask)
    assert dice(mask > 0, truth > 0) > 0.96
    assert (mask == 2).sum() * np.prod(ct.GetSpacing()) < 10  # mm3


def test_all_marked_metastases_are_found_and_the_surest_piece_is_one_of_them(chain, case):
    ct, truth = case("crlm_1006")
    found = segment(ct, chain)
    (mask,) = arrays(found.mask)
    assert dice(mask > 0, truth > 0) > 0.92
    marked, count = ndimage.label(truth == 2, np.ones((3, 3, 3)))
    assert count == 4
    assert set(np.unique(marked[mask == 2])) >= {1, 2, 3, 4}
    pieces, table, _ = label_lesions(ct, found.mask, probability=found.lesion_probability)
    surest = table.loc[table["model_probability"].astype(float).idxmax(), "lesion"]
    assert (truth[sitk.GetArrayFromImage(pieces) == surest] == 2).any()


@pytest.mark.parametrize(
    ("slices", "least"),
    [(slice(0, 39), 0.9), (slice(39, 78), 0.95)],
    ids=["foot half", "head half"],
)
def test_of_a_liver_that_is_cut_through_the_part_in_the_ct_is_found(chain, case, slices, least):
    ct, truth = case("chaos_set3")
    (mask,) = arrays(segment(ct[:, :, slices], chain).mask)
    assert dice(mask > 0, truth[slices] > 0) > least


def test_a_ct_that_ends_before_the_liver_has_an_empty_mask(chain, case):
    ct, truth = case("crlm_1006")
    last = np.flatnonzero((truth > 0).any((1, 2))).min() - 2  # the outline reaches two slices lower
    (mask,) = arrays(segment(ct[:, :, : int(last)], chain).mask)
    assert not mask.any()
