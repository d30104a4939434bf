"""What the voxels of a DICOM series mean: the same in every slice, and in HU."""

from livermets.core.errors import BadPatient
from livermets.imaging.dicom_geometry import Slice
from livermets.imaging.dicom_headers import differing_tag, display_name, value_of, voxel_values

HU_UNITS = ("HU", "US")  # how RescaleType begins; US is unspecified, which older scanners write


def refuse_mixed_slices(slices: list[Slice], patient: str) -> None:
    """Refuse slices that differ in the rescaling to HU, or that two scans were mixed of.

    Raises
    ------
    BadPatient
        The message names the slice and the tag.
    """
    if differing := differing_tag([voxel_values(header) for _, header in slices]):
        key, position = differing
        file, header = slices[position]
        raise BadPatient(
            patient,
            f"the slice {display_name(file, header)} differs from the others of the series in {key}"
            f" ({header[key].value if key in header else 'missing'})",
            "Export the series again, complete and unchanged; two reconstructions need two series",
        )


def refuse_other_units(slices: list[Slice], patient: str) -> None:
    """Refuse slices whose values are no HU, such as maps of iodine or effective atomic numbers.

    Raises
    ------
    BadPatient
        The message names the slice and the unit.
    """
    for file, header in slices:
        unit = str(value_of(header, "RescaleType") or "").strip()
        if unit and not unit.upper().startswith(HU_UNITS):
            raise BadPatient(
                patient,
                f"the values of the slice {display_name(file, header)} are in {unit} (RescaleType),"
                " not in HU",
                "Name the series of the CT itself, not a map that was computed from it",
            )
