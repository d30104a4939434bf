"""Writes the reference page of the rules from the rule files: what they say they do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULE = re.compile(
    r"""^(?P<indent>[ ]*)(?:rule|checkpoint)\s*(?P<name>\w*)\s*:\s*$
      | ^(?P<indent_again>[ ]*)use\ rule\ (?P<base>\w+)\s.*?as\ (?P<copy>\w+)(?:\ with)?:""",
    re.VERBOSE | re.MULTILINE,
)
INCLUDE = re.compile(r"include:\s*f?\"workflow/rules/(.+)\.smk\"")


@dataclass(frozen=True)
class Rule:
    """One rule of the workflow: its name, the rule it repeats, what it says while it runs."""

    name: str
    base: str
    message: str
    script: str


def directive(body: str, key: str) -> str:
    """Return the text of a directive that is a string, or an empty string."""
    found = re.search(rf"^\s+{key}:\s*\(?\s*((?:f?\"[^\"\n]*\"\s*)+)", body, re.MULTILINE)
    if not found:
        return ""
    text = "".join(re.findall(r"\"([^\"\n]*)\"", found[1])).replace("wildcards.", "")
    return re.sub(r"\{[^{}]*[^\w{}][^{}]*\}", "{…}", text)  # an expression says nothing here


def rules_of(text: str) -> Iterator[Rule]:
    """Find the rules of a rule file, in their order."""
    starts = list(RULE.finditer(text))
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        body = text[start.end() : following.start() if following else len(text)]
        name = start["name"] or start["copy"] or directive(body, "name")
        yield Rule(name, start["base"] or "", directive(body, "message"), directive(body, "script"))


def heading_of(text: str) -> str:
    """Return the comment at the head of a rule file: what it needs and what it makes."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines)


def rule_files() -> list[Path]:
    """List the rule files in the order in which the Snakefile includes them.

    A name with a part in braces, which the configuration decides, stands for every file that fits
    and that is not included by its own name.
    """
    names = INCLUDE.findall((ROOT / "Snakefile").read_text(encoding="utf-8"))
    files: list[Path] = []
    for name in [*names, "*"]:
        pattern = re.sub(r"\{.*\}", "*", name)
        fitting = sorted((ROOT / "workflow/rules").glob(f"{pattern}.smk"))
        files += [file for file in fitting if name == file.stem or file.stem not in names]
    return list(dict.fromkeys(files))


def rule_names() -> set[str]:
    """Return the names of all rules, those of the Snakefile among them."""
    files = [ROOT / "Snakefile", *rule_files()]
    return {rule.name for file in files for rule in rules_of(file.read_text(encoding="utf-8"))}


def reference_page() -> str:
    """Return the reference page of the rules as Markdown: one table for each rule file."""
    lines = [
        "# Rules",
        "",
        "The rules in the order of the Snakefile, with the message that each one shows while it",
        "runs. This page is written from the rule files. `snakemake --list` lists the rules of",
        "your own study.",
    ]
    for file in rule_files():
        text = file.read_text(encoding="utf-8")
        lines += ["", f"## `{file.stem}`", "", heading_of(text), ""]
        lines += ["| rule | what it says | script |", "|---|---|---|"]
        for rule in rules_of(text):
            script = rule.script.removeprefix("../scripts/")
            said = rule.message
            if rule.base:
                script = f"that of `{rule.base}`"
            lines.append(f"| `{rule.name}` | {said} | {script} |")
    return "\n".join([*lines, ""])
