"""The label map: one meaning a voxel value, the same in every room and in the configuration."""

import subprocess
import sys

from livermets.masks.labels import LABEL_VALUES, SEGMENTS, Label


def test_the_values_are_those_of_every_mask_that_was_ever_written():
    assert LABEL_VALUES == {"liver": 1, "lesion": 2}
    assert [int(label) for label in Label] == [0, 1, 2]


def test_every_label_but_the_background_has_a_name_a_colour_and_codes():
    assert [segment.label for segment in SEGMENTS] == [Label.LIVER, Label.LESION]
    assert len({segment.rgb for segment in SEGMENTS}) == len(SEGMENTS)
    assert all(segment.category[0].isdigit() and segment.type[0].isdigit() for segment in SEGMENTS)


def test_the_label_map_imports_the_standard_library_alone():
    code = (
        "import sys; sys.path.insert(0, 'workflow'); import livermets.masks.labels;"
        " assert not {'numpy', 'SimpleITK', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
