"""The software in the report."""

from livermets.report.sections.software import software_versions


def test_software_versions_name_python_and_this_package():
    assert {"Python", "livermets", "numpy"} <= set(software_versions())
