"""The mesh of large lesions against pyradiomics' own C code."""

import numpy as np
import pytest
from livermets.radiomics import mesh
from livermets.radiomics.lazy_pyradiomics import cShape
from livermets.radiomics.mesh import SMALL_MESH, measure_mesh

SPACING = np.array([1.5, 0.8, 0.7421875])


def ellipsoid(radii):
    shape = 2 * np.ceil(radii).astype(int) + 3
    grid = np.indices(shape).reshape(3, -1).T
    return (((grid - radii - 1) / radii) ** 2).sum(1).reshape(shape) <= 1


def lumps():
    rng = np.random.default_rng(3)
    return np.pad(
        sum(np.roll(rng.random((24, 30, 36)), s, a) for s in (0, 1) for a in range(3)) > 3.6, 1
    )


@pytest.mark.parametrize(
    "mask",
    [
        ellipsoid(np.array([12, 20, 22.5])),
        ellipsoid(np.array([25.0, 25, 25])),
        np.pad(np.ones((3, 60, 60), bool), 1),
        np.pad(np.ones((1, 1, 900), bool), 1),
        np.pad(np.random.default_rng(0).random((18, 20, 22)) < 0.5, 1),
        lumps(),
    ],
    ids=["ellipsoid", "ball", "plate", "line", "noise", "lumps"],
)
def test_area_volume_and_diameters_are_those_of_the_c_code(mask, monkeypatch):
    mask = np.ascontiguousarray(mask)
    area, volume, diameters = cShape.calculate_coefficients(mask, SPACING)
    monkeypatch.setattr(mesh, "SMALL_MESH", 0)
    ours = measure_mesh(mask, SPACING)
    assert list(ours[2]) == list(diameters)  # to the last bit
    assert ours[:2] == pytest.approx((area, volume), rel=1e-12)


def test_small_lesions_are_measured_by_the_c_code_itself():
    mask = ellipsoid(np.array([5.0, 8, 9]))
    assert 0 < len(mesh._vertices(mask)) <= SMALL_MESH
    assert measure_mesh(mask, SPACING) == cShape.calculate_coefficients(mask, SPACING)
