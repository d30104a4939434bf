"""CT import: a DICOM folder, NIfTI or NRRD becomes int16 HU on its own grid, with its facts."""

import hashlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.imaging.dicom_series import read_series
from livermets.imaging.geometry import axial_axis
from livermets.imaging.volumes import is_dicom, not_finite, read_volume

AIR, INT16_MAX = -1024, 32767
FACTS = ("slice_thickness_mm", "kernel", "manufacturer", "model", "kvp", "phase", "contrast")


def import_ct(source: Path, patient: str, resample_tilt: bool = False) -> tuple[sitk.Image, dict]:
    """The CT as int16 HU with orthonormal directions on its original grid, and its facts.

    Parameters
    ----------
    source : a folder of DICOM slices, one slice of the wanted series, a NIfTI or an NRRD file
    patient : the id that messages name
    resample_tilt : straighten DICOM slices that a tilted gantry left askew

    Returns
    -------
    The image and a dictionary for JSON: source, size and spacing_mm (x, y, z), n_slices (head to
    foot), orientation, the acquisition where DICOM states it, clipped_voxels (below -1024 HU, the
    padding of many scanners, set to -1024), capped_voxels (above 32767), orthonormalised,
    tilt_corrected_mm (where slices
    were straightened), slice_step_mm, ignored_files, and sha256 of the voxels for the leakage
    audit. Nothing in it identifies anyone.

    Raises
    ------
    BadPatient : missing, unreadable or not one whole, upright, finite CT volume in HU
    """
    source = Path(source)
    if not source.exists():
        raise BadPatient(
            patient, f"the CT {source} does not exist", "Correct the path in the sheet"
        )
    facts: dict = {"source": "dicom", **dict.fromkeys(FACTS), "ignored_files": 0}
    if source.is_dir():
        image, found = read_series(source, patient, resample_tilt=resample_tilt)
    elif is_dicom(source):
        image, found = read_series(source.parent, patient, source, resample_tilt)
    else:
        image, changed = read_volume(source, patient, "CT")
        _refuse_normalised(image, patient)
        kind = "nifti" if ".nii" in source.name.lower() else "nrrd"
        found = {"source": kind, "orthonormalised": changed}
    ct, counts = _hounsfield(image, patient)
    size = ct.GetSize()
    orientation = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(ct.GetDirection())
    return ct, {
        **facts,
        **found,
        "size": list(size),
        "spacing_mm": [round(value, 6) for value in ct.GetSpacing()],
        "n_slices": size[axial_axis(ct)],
        "slice_step_mm": round(ct.GetSpacing()[axial_axis(ct)], 6),
        "orientation": orientation,
        **counts,
        "sha256": voxel_hash(ct),
    }


def voxel_hash(image: sitk.Image) -> str:
    """sha256 of the voxels in memory order: equal scans show whatever their files are called."""
    return hashlib.sha256(np.ascontiguousarray(sitk.GetArrayViewFromImage(image))).hexdigest()


def _refuse_normalised(image: sitk.Image, patient: str) -> None:
    """DICOM says how its values become HU; of a file of floats the range must vouch for them."""
    voxels = sitk.GetArrayViewFromImage(image)
    low, high = float(voxels.min()), float(voxels.max())
    if np.issubdtype(voxels.dtype, np.floating) and 0 < high - low < 10:
        raise BadPatient(
            patient,
            f"the CT's values span {low:.3g} to {high:.3g}, which is no range of HU",
            "Give the CT in Hounsfield units, not normalised",
        )


def _hounsfield(image: sitk.Image, patient: str) -> tuple[sitk.Image, dict[str, int]]:
    """Voxels rounded and clipped to int16 HU; metadata of the file is left behind."""
    voxels = sitk.GetArrayViewFromImage(image)
    if np.issubdtype(voxels.dtype, np.floating):
        bad = voxels.size - int(np.isfinite(voxels).sum())
        if bad:
            raise not_finite(bad, patient, "CT")
        voxels, bounds = np.rint(voxels), (AIR, INT16_MAX)
    else:
        kind = np.iinfo(voxels.dtype)
        bounds = max(AIR, kind.min), min(INT16_MAX, kind.max)
    counts = {
        "clipped_voxels": int((voxels < AIR).sum()),
        "capped_voxels": int((voxels > INT16_MAX).sum()),
    }
    ct = sitk.GetImageFromArray(np.clip(voxels, *bounds).astype(np.int16))
    ct.CopyInformation(image)
    return ct, counts
