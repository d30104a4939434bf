"""The summary under the report's title."""

from helpers.report import render


def test_phantoms_are_called_phantoms(results):
    assert "digital phantoms, not patients" in render(
        results, config=results.config | {"phantoms": {"patients": 3}}
    )
