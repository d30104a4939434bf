"""CT import: a DICOM folder, NIfTI or NRRD becomes int16 HU on its own grid, with a record."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.imaging.dicom_headers import lacks_preamble, read_acquisition
from livermets.imaging.dicom_series import read_series
from livermets.imaging.geometry import axial_axis
from livermets.imaging.nifti_nrrd import (
    SUFFIXES,
    not_finite,
    read_volume,
    states_orientation,
)
from livermets.imaging.source_paths import refuse_no_scan
from livermets.imaging.volumes import is_dicom

AIR, INT16_MAX = -1024, 32767
FAT_HU = -50  # fat, lung and air lie below
SOFT_TISSUE_HU = (0, 200)  # of liver, muscle and blood, with and without contrast
MAX_CAPPED = 1e-3  # share of the voxels above INT16_MAX; metal reaches 30,000 HU in a few
MIN_TISSUE = 1e-3  # the least share of the voxels that either has on a CT of a body
# What `imaging.check_hu` asks of the voxels of a CT: of a body, cut out around a liver, or nothing
HU_CHECKS: dict[str, tuple[str, ...]] = {
    "body": ("air or fat", "soft tissue"),
    "liver": ("soft tissue",),
    "none": (),
}


def import_ct(
    source: str | Path | Sequence[str | Path],
    patient: str,
    resample_tilt: bool = False,
    check_hu: str = "body",
) -> tuple[sitk.Image, dict]:
    """Read a CT as int16 HU on its original grid.

    Parameters
    ----------
    source : Path or sequence of Path
        A folder of DICOM slices, one slice of the wanted series, a NIfTI or an NRRD file; several
        folders or slices if the files of a series lie in several folders.
    patient : str
        The id that messages name.
    resample_tilt : bool
        Straighten DICOM slices that a tilted gantry shifted.
    check_hu : {"body", "liver", "none"}
        Which tissues the CT must show, so that its values can be HU: air or fat and soft tissue
        (body), soft tissue alone (a CT cropped to the liver), or none.

    Returns
    -------
    ct : SimpleITK.Image
        int16 HU with orthonormal directions.
    record : dict
        Content of the patient's JSON record, with nothing that identifies a person: source, size
        and spacing_mm (x, y, z), n_slices (head to foot), slice_step_mm, orientation (None where
        the file does not state it, as NIfTI with both codes 0), the acquisition if DICOM states it,
        clipped_voxels (below -1024 HU, the padding of many scanners, set to -1024), capped_voxels
        (above 32767), orthonormalised, tilt_corrected_mm (if slices were straightened),
        ignored_files, and sha256 of the voxels for the leakage audit.

    Raises
    ------
    BadPatient
        The CT is missing, unreadable, or not one complete, upright, finite volume in HU.
    """
    sources = [Path(path) for path in ([source] if isinstance(source, str | Path) else source)]
    for path in sources:
        refuse_no_scan(path, patient)
    not_stated = read_acquisition(pydicom.Dataset())
    record = {"source": "dicom", **not_stated, "ignored_files": 0}
    if all(map(_is_dicom_source, sources)):
        image, details = read_series(sources, patient, resample_tilt)
    elif len(sources) == 1:
        image, changed = read_volume(sources[0], patient, "CT")
        kind = "nifti" if ".nii" in sources[0].name.lower() else "nrrd"
        details = {"source": kind, "orthonormalised": changed}
    else:
        raise BadPatient(
            patient,
            f"the cell `ct` lists {len(sources)} paths, and not all of them are DICOM",
            "List folders of one DICOM series, or name one NIfTI or NRRD file",
        )
    ct, counts = _to_int16_hu(image, patient)
    _refuse_other_units(ct, patient, check_hu)
    _refuse_copied_slices(ct, patient)
    size = ct.GetSize()
    orientation = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(ct.GetDirection())
    stated = details.get("source") is None or states_orientation(sources[0])
    return ct, {
        **record,
        **details,
        "size": list(size),
        "spacing_mm": [round(value, 6) for value in ct.GetSpacing()],
        "n_slices": size[axial_axis(ct)],
        "slice_step_mm": round(ct.GetSpacing()[axial_axis(ct)], 6),
        "orientation": orientation if stated else None,
        **counts,
        "sha256": voxel_hash(ct),
    }


def _is_dicom_source(path: Path) -> bool:
    """Whether a path is a folder, or a DICOM file with or without its preamble."""
    if path.is_dir() or is_dicom(path):
        return True
    return not path.name.lower().endswith(SUFFIXES) and lacks_preamble(path)


def refuse_other_slice_count(n_slices: int, drafted: str, patient: str) -> None:
    """Refuse a CT that has not as many slices as the cohort sheet says; "" if it does not say."""
    if drafted and n_slices != int(drafted):
        raise BadPatient(
            patient,
            f"the CT has {n_slices} slices, and the cohort sheet says {drafted} (`n_slices`)",
            "Bring the missing files back or list all folders of the series in `ct`; empty the cell"
            " `n_slices` if the CT is right as it is",
        )


def voxel_hash(image: sitk.Image) -> str:
    """sha256 of the voxels in memory order, which is equal for equal scans in any file format."""
    return hashlib.sha256(np.ascontiguousarray(sitk.GetArrayViewFromImage(image)).data).hexdigest()


def _refuse_other_units(ct: sitk.Image, patient: str, check_hu: str) -> None:
    """Refuse voxels that are no HU: normalised, windowed to 8 bits, or without their intercept.

    Every CT of a body holds fat or air, and soft tissue; one cropped to the liver has no fat or
    air, and cannot be told from a windowed one, so the user has to say it (`HU_CHECKS`).
    """
    voxels = sitk.GetArrayViewFromImage(ct)
    low, high = SOFT_TISSUE_HU
    tissues = {
        "air or fat": (f"below {FAT_HU} HU", voxels < FAT_HU),
        "soft tissue": (f"{low} to {high} HU", (voxels >= low) & (voxels <= high)),
    }
    missing = [name for name in HU_CHECKS[check_hu] if tissues[name][1].mean() < MIN_TISSUE]
    if missing:
        raise BadPatient(
            patient,
            f"the CT's values from {voxels.min()} to {voxels.max()} are no range of HU: there is no"
            f" {' and no '.join(f'{name} ({tissues[name][0]})' for name in missing)}",
            "Give the CT in Hounsfield units, not normalised and not windowed to grey values; if it"
            " is in HU and cropped to the liver, set `imaging.check_hu: liver`",
        )


def _refuse_copied_slices(ct: sitk.Image, patient: str) -> None:
    """Refuse a volume that is one image over and over, such as a screenshot with made up places."""
    voxels = sitk.GetArrayViewFromImage(ct)
    planes = np.moveaxis(voxels, 2 - axial_axis(ct), 0)
    if len(planes) > 1 and all(np.array_equal(planes[0], plane) for plane in planes[1:]):
        raise BadPatient(
            patient,
            f"all {len(planes)} slices of the CT show the same image",
            "Export the scan again; this is one image that was copied",
        )


def _to_int16_hu(image: sitk.Image, patient: str) -> tuple[sitk.Image, dict[str, int]]:
    """The image rounded and clipped to int16 without its metadata, and how many voxels changed."""
    voxels = sitk.GetArrayViewFromImage(image)
    if np.issubdtype(voxels.dtype, np.floating):
        if bad := voxels.size - int(np.isfinite(voxels).sum()):
            raise not_finite(bad, patient, "CT")
        voxels, bounds = np.rint(voxels), (AIR, INT16_MAX)
    else:
        kind = np.iinfo(voxels.dtype)
        bounds = max(AIR, kind.min), min(INT16_MAX, kind.max)
    counts = {
        "clipped_voxels": int((voxels < AIR).sum()),
        "capped_voxels": int((voxels > INT16_MAX).sum()),
    }
    if counts["capped_voxels"] > MAX_CAPPED * voxels.size:
        raise BadPatient(
            patient,
            f"{counts['capped_voxels'] / voxels.size:.1%} of the voxels of the CT lie above"
            f" {INT16_MAX} HU, the highest at {voxels.max():g} HU: a value that marks what lies"
            " outside of the scan, or no HU",
            f"Export the CT again, or set these voxels to {AIR} HU",
        )
    ct = sitk.GetImageFromArray(np.clip(voxels, *bounds).astype(np.int16))
    ct.CopyInformation(image)
    return ct, counts
