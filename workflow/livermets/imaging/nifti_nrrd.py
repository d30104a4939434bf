"""NIfTI and NRRD files: read by ITK, with the checks that ITK leaves out."""

import os
import re
import zlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from nibabel import Nifti1Header, aff2axcodes
from nibabel.openers import ImageOpener

from livermets.core.errors import BadPatient
from livermets.imaging.geometry import orthonormal, refuse_shear, skew
from livermets.imaging.volumes import quiet_itk

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr")
MAX_APART, MIN_APART_MM = 0.5, 0.01  # of sform and qform: voxels, mm of rounding
MAX_SPACING_ERROR = 0.01  # of pixdim against the sform, relative
GZIP_MAGIC = b"\x1f\x8b"
SPACINGS_MM = (0.1, 50.0)  # of voxels of a CT; others are in centimetres, metres or micrometres
NIFTI_MAGIC = (b"\x5c\x01\0\0", b"\0\0\x01\x5c")  # 348, the size of the header, in either order
NIFTI_2_MAGIC = (b"\x1c\x02\0\0", b"\0\0\x02\x1c")  # 540
BLOCK_BYTES = 1 << 24  # a whole multiple of every voxel size


def read_volume(
    path: Path, patient: str, name: str, layers: bool = False
) -> tuple[sitk.Image, bool]:
    """Read the three-dimensional image of a NIfTI or NRRD file.

    Parameters
    ----------
    path : Path
        A file with one of `SUFFIXES`.
    patient, name : str
        The patient and the file as messages call them, such as "CT" or "given mask".
    layers : bool
        Accept several components a voxel, as 3D Slicer stores overlapping segments.

    Returns
    -------
    image : SimpleITK.Image
        The image with orthonormal directions.
    changed : bool
        Whether its directions had to be made orthonormal.

    Raises
    ------
    BadPatient
        The file is missing, damaged, not three-dimensional, sheared, without distances of its
        voxels or with such that no CT has, or a NIfTI file with NaN or with a sform, qform and
        pixdim that place its voxels at different points.
    """
    if not path.exists():
        raise BadPatient(patient, f"the {name} {path} does not exist", "Correct the path")
    if path.is_dir() or not path.name.lower().endswith(SUFFIXES):
        raise BadPatient(
            patient,
            f"the {name} {path} is neither NIfTI nor NRRD",
            f"Convert it to one of {', '.join(SUFFIXES)}",
        )
    _refuse_wrong_ending(path, patient, name)
    # ITK's NIfTI reader refuses directions that are 1e-5 off; `refuse_shear` has wider limits
    os.environ["ITK_NIFTI_SFORM_PERMISSIVE"] = "1"
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with quiet_itk():
            reader.ReadImageInformation()
            if path.name.lower().endswith((".nii", ".nii.gz")):  # NRRD keeps the keys of NIfTI
                _check_nifti(path, patient, name)
            _refuse_shape(path, reader, patient, name, layers)
            image = reader.Execute()
    except RuntimeError as error:  # every failure of ITK
        _refuse_lost_voxels(path, patient, name)
        raise _damaged(path, patient, name) from error
    if image.GetDimension() == 4:  # (x, y, z, 1)
        image = image[:, :, :, 0]
    image, changed = _make_orthonormal(image, patient)
    if path.name.lower().endswith((".nii", ".nii.gz")):
        _refuse_contradiction(path, patient, name)
    _refuse_spacing(image, path, patient, name)
    return image, changed


def states_orientation(path: Path) -> bool:
    """Whether a NIfTI or NRRD file says how its axes lie in the patient.

    A NIfTI whose sform and qform have the code 0 says nothing, and an NRRD without `space` says
    nothing; ITK takes their axes for left, posterior and superior.
    """
    if ".nii" in path.name.lower():
        with ImageOpener(str(path)) as file:
            header = Nifti1Header(file.read(Nifti1Header.sizeof_hdr), check=False)
        return any(get(coded=True)[1] > 0 for get in (header.get_sform, header.get_qform))
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return bool(reader.HasMetaDataKey("NRRD_space"))


def not_finite(count: int, patient: str, name: str) -> BadPatient:
    """The refusal of an image with NaN or infinite voxels."""
    return BadPatient(
        patient,
        f"{count} voxels of the {name} are NaN or infinite",
        "Export it again, or fill them (a CT with -1024 HU where they lie outside the body)",
    )


def _damaged(path: Path, patient: str, name: str) -> BadPatient:
    return BadPatient(
        patient, f"the {name} {path} is damaged or cut short", "Export or copy the file again"
    )


def _refuse_wrong_ending(path: Path, patient: str, name: str) -> None:
    """Refuse a compressed file named .nii, and a NIfTI named .nii.gz that is not compressed."""
    with path.open("rb") as file:
        start = file.read(4)
    if _first_bytes(path) in NIFTI_2_MAGIC:
        raise BadPatient(
            patient, f"the {name} {path} is a NIfTI-2 file", "Save it as NIfTI-1 or NRRD"
        )
    compressed, ending = start.startswith(GZIP_MAGIC), path.name.lower()
    if ending.endswith(".nii") and compressed:
        said, remedy = "is compressed by gzip, but its name ends in .nii", "Name it .nii.gz"
    elif ending.endswith(".nii.gz") and start in NIFTI_MAGIC:
        said, remedy = "is not compressed, but its name ends in .nii.gz", "Name it .nii"
    else:
        return
    raise BadPatient(patient, f"the {name} {path} {said}", remedy)


def _first_bytes(path: Path) -> bytes:
    """The first four bytes, unpacked; none of a file that is damaged."""
    try:
        with ImageOpener(str(path)) as file:
            return bytes(file.read(4))
    except (EOFError, OSError, zlib.error):
        return b""


def _refuse_lost_voxels(path: Path, patient: str, name: str) -> None:
    """Refuse the header of an NRRD whose file of voxels is not there."""
    fields = _nrrd_fields(path) if path.name.lower().endswith(".nhdr") else {}
    voxels = fields.get("data file", fields.get("datafile", ""))
    if voxels and not (path.parent / voxels).exists():
        raise BadPatient(
            patient,
            f"the {name} {path} is a header alone: the file of its voxels, {voxels}, is not there",
            "Copy that file into the same folder, or save both as one .nrrd",
        )


def _check_nifti(path: Path, patient: str, name: str) -> None:
    """Refuse missing bytes, which ITK fills in silently, and NaN, which ITK reads as 0."""
    length = not_finite_voxels = 0
    try:
        with ImageOpener(str(path)) as file:
            header = Nifti1Header(file.read(Nifti1Header.sizeof_hdr), check=False)
            kind = header.get_data_dtype()
            file.seek(header.get_data_offset())
            while block := file.read(BLOCK_BYTES):  # to the end, where gzip keeps its checksum
                length += len(block)
                if kind.kind == "f":
                    values = np.frombuffer(block, kind, len(block) // kind.itemsize)
                    not_finite_voxels += int((~np.isfinite(values)).sum())
    except (EOFError, OSError, zlib.error) as error:
        raise _damaged(path, patient, name) from error
    if length < kind.itemsize * np.prod(header.get_data_shape(), dtype=int):
        raise _damaged(path, patient, name)
    if not_finite_voxels:
        raise not_finite(not_finite_voxels, patient, name)


def _refuse_contradiction(path: Path, patient: str, name: str) -> None:
    """Refuse a NIfTI whose header places its voxels in two ways: programs read one or the other."""
    with ImageOpener(str(path)) as file:
        header = Nifti1Header(file.read(Nifti1Header.sizeof_hdr), check=False)
    sform = header.get_sform(coded=True)[0]
    qform = header.get_qform(coded=True)[0]
    pixdim = np.array(header.get_zooms()[:3], float)
    if sform is None:
        return  # the qform takes its spacing from pixdim
    spacing = np.linalg.norm(sform[:3, :3], axis=0)
    if qform is not None:
        last = np.array(header.get_data_shape()[:3]) - 1
        corners = np.array(list(np.ndindex(2, 2, 2))) * last
        apart = np.linalg.norm(corners @ (sform - qform)[:3, :3].T + (sform - qform)[:3, 3], axis=1)
        if apart.max() > max(MAX_APART * spacing.min(), MIN_APART_MM):
            raise BadPatient(
                patient,
                f"the {name} {path} has a sform and a qform that place a voxel {apart.max():.1f} mm"
                f" apart (sform {_describe(sform)}, qform {_describe(qform)})",
                "Find out which is right and save the file with that one alone",
            )
    if (np.abs(spacing - pixdim) > MAX_SPACING_ERROR * spacing).any():
        raise BadPatient(
            patient,
            f"the {name} {path} has the spacing {_join(spacing)} mm in its sform, but"
            f" {_join(pixdim)} mm in pixdim",
            "Find out which is right and save the file with that one alone",
        )


def _refuse_spacing(image: sitk.Image, path: Path, patient: str, name: str) -> None:
    """Refuse voxels whose distances are not stated, or not in millimetres.

    ITK takes a distance that an NRRD does not state for 1 mm, and does not look at its units.
    """
    spacing, (low, high) = image.GetSpacing(), SPACINGS_MM
    remedy = "Save the file again with the distances of its voxels in mm"
    if path.name.lower().endswith((".nrrd", ".nhdr")):
        fields = _nrrd_fields(path)
        if not {"space directions", "spacings"} & set(fields):
            raise BadPatient(
                patient, f"the {name} {path} does not state the distances of its voxels", remedy
            )
        units = set(re.findall(r'"([^"]*)"', fields.get("space units", ""))) - {"mm", ""}
        if units:
            raise BadPatient(
                patient, f"the {name} {path} is measured in {min(units)}, not in mm", remedy
            )
    if not all(low <= value <= high for value in spacing):
        raise BadPatient(
            patient,
            f"the voxels of the {name} {path} are {_join(np.array(spacing))} mm apart, as in no CT",
            f"{remedy}; they may be in another unit",
        )


def _nrrd_fields(path: Path) -> dict[str, str]:
    """The fields of the header of an NRRD, which ends in an empty line."""
    fields = {}
    with path.open("rb") as file:
        for line in iter(file.readline, b""):
            text = line.decode("latin-1").strip()
            if not text:
                break
            if not text.startswith("#") and ":=" not in text and ":" in text:
                key, _, value = text.partition(":")
                fields[key.strip().lower()] = value.strip()
    return fields


def _describe(affine: np.ndarray) -> str:
    axes = "".join(axcode or "?" for axcode in aff2axcodes(affine))
    return f"{axes} from ({', '.join(f'{value:.1f}' for value in affine[:3, 3])})"


def _join(spacing: np.ndarray) -> str:
    return "×".join(f"{value:.4g}" for value in spacing)


def _refuse_shape(
    path: Path, reader: sitk.ImageFileReader, patient: str, name: str, layers: bool
) -> None:
    size, components = reader.GetSize(), reader.GetNumberOfComponents()
    if len(size) == 4 and size[3] == 1:
        size = size[:3]
    if len(size) != 3 or min(size) < 2 or (components > 1 and not layers):
        channels = f" with {components} channels" if components > 1 else ""
        raise BadPatient(
            patient,
            f"the {name} {path} is {'×'.join(map(str, size))}{channels}, not one"
            " three-dimensional volume",
            "Give one grey-scale volume of at least two slices (one phase of a dynamic scan)",
        )


def _make_orthonormal(image: sitk.Image, patient: str) -> tuple[sitk.Image, bool]:
    """The image with orthonormal directions, and whether they were changed.

    ITK has already straightened the directions of a skewed NIfTI: its header is judged as written.
    """
    steps = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    corrected = image.HasMetaDataKey("ITK_sform_corrected")
    if corrected and image.GetMetaData("ITK_sform_corrected") == "YES":
        rows = [image.GetMetaData(f"srow_{axis}").split()[:3] for axis in "xyz"]
        steps = np.diag([-1.0, -1.0, 1.0]) @ np.array(rows, float)  # RAS to LPS
    refuse_shear(*skew(steps, image.GetSize()), min(image.GetSpacing()), patient)
    directions, changed = orthonormal(steps)
    if changed:
        image.SetDirection(directions.ravel().tolist())
        image.SetSpacing(np.linalg.norm(steps, axis=0).tolist())
    return image, changed
