"""The digest of a rule's command: changed by its words, not by its lay-out, and no wildcard."""

from types import SimpleNamespace

from livermets.core.code_digest import add_code_digests


def digest_of(command: str) -> str:
    given: dict[str, str] = {}
    rule = SimpleNamespace(script=None, shellcmd=command, set_params=lambda **of: given.update(of))
    add_code_digests([rule])
    return given["code"]


def test_a_command_with_files_in_braces_gives_a_parameter_without_wildcards():
    assert "{" not in digest_of("cp {input} {output} 2> {log}")


def test_the_digest_changes_with_the_command_and_not_with_its_spaces():
    digest = digest_of("cp {input} {output}")
    assert digest == digest_of("cp  {input}\n  {output}") != digest_of("ln {input} {output}")
