"""Checks a drafted series as import will read it: the geometry by its code, and a few slices."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.imaging.captured_image import no_ct_by_voxels
from livermets.imaging.ct import FAT_HU
from livermets.imaging.dicom_geometry import Slice
from livermets.imaging.dicom_headers import display_name, is_localiser, read_header
from livermets.imaging.dicom_series import stack_series
from livermets.imaging.multi_frame import frame_headers
from livermets.imaging.series_identity import series_keys
from livermets.imaging.volumes import quiet_itk

SAMPLES = 3  # slices whose voxels are looked at


def reason_of_import(files: Sequence[Path], patient: str, resample_tilt: bool) -> str:
    """Why import would refuse the series of these files, or "" if nothing speaks against it.

    All headers are read again and put through the checks of import; of three slices the voxels
    are decoded, since a mask that is stored as CT has the header of a CT.

    Parameters
    ----------
    files : sequence of Path
        The files of one series.
    patient : str
        The id that messages name.
    resample_tilt : bool
        `imaging: resample_tilt` of the configuration.
    """
    slices: list[Slice] = []
    with warnings.catch_warnings():  # pydicom warns of values that break the standard
        warnings.simplefilter("ignore")
        for file in files:
            if (header := read_header(file)) is None:
                return f"the DICOM file {display_name(file)} is damaged"
            slices += [(file, frame) for frame in frame_headers(header) if not is_localiser(frame)]
        keys = series_keys(header for _, header in slices)
        try:
            own = [one for one, key in zip(slices, keys, strict=True) if key == keys[0]]
            stack = stack_series(own, patient, resample_tilt)
        except BadPatient as problem:
            return problem.problem
    places = np.linspace(0, len(stack.slices) - 1, SAMPLES + 2).round().astype(int)[1:-1]
    sampled = dict.fromkeys(stack.slices[place][0] for place in places)
    try:
        with quiet_itk():
            voxels = [sitk.GetArrayFromImage(sitk.ReadImage(str(file))) for file in sampled]
    except RuntimeError:  # every failure of GDCM
        return "the slices cannot be decoded"
    if reason := no_ct_by_voxels(voxels):
        return reason
    if min(one.min() for one in voxels) > FAT_HU:
        return f"no HU: no voxel lies below {FAT_HU}, where fat and air do"
    return ""
