"""The tables of docs/lidc.md, from the finished studies of `make study-lidc`.

`PYTHONPATH=workflow:benchmarks .venv/bin/python benchmarks/lidc_page.py lidc-study` writes them
between the marks `<!-- all_sizes -->` and `<!-- end of all_sizes -->` of the page, and so on.
"""

import argparse
import json
import re
from pathlib import Path

import pandas as pd
import yaml
from lidc_cohort import DIAMETER_ARM
from livermets.cohort.cohort_table import read_cohort
from livermets.evaluation.by_size import DIFFERENCE
from livermets.evaluation.evaluate import REFERENCE
from livermets.evaluation.subgroup_members import ALL
from livermets.report.formatting import p_value, with_interval
from livermets.report.size_claim import size_claim
from livermets.report.study_results import StudyResults
from livermets.study.arms import SELECTED, Arm
from livermets.study.names import DENSENET
from study_lidc import DENSENET_STUDY, ROOT, STUDIES

PAGE = ROOT / "docs" / "lidc.md"
HEAD = ("arm", "AUC by patient", "AUC by lesion", "difference from volume by patient", "p (Holm)")
OF_SIZE = (DIAMETER_ARM, REFERENCE)  # the first rows


def read_results(folder: Path) -> StudyResults:
    """Read the tables of a finished study that the page is written from."""
    results = folder / "results"
    tables = {
        name: pd.read_parquet(results / f"{name}.parquet")
        for name in ("splits", "metrics", "differences", "by_size")
    }
    config = yaml.safe_load((folder / "config" / "config.yaml").read_text(encoding="utf-8"))
    cohort = read_cohort(results / "cohort.tsv")
    return StudyResults(config=config, cohort=cohort, figures=results / "figures", **tables)


def table_3(results: StudyResults) -> list[str]:
    """Build Table 3: every arm with its AUC, and its difference from lesion volume alone."""
    auc = results.metrics[results.metrics["metric"] == "auc"].set_index(["arm", "level"])
    pairs = results.differences
    pairs = pairs[(pairs["against"] == "volume") & (pairs["level"] == "patient")].set_index("arm")
    arms = sorted(auc.index.unique("arm"), key=lambda arm: (arm not in OF_SIZE, Arm.parse(arm)))
    rows = []
    for arm in arms:
        cells = [
            with_interval(*auc.loc[(arm, level), ["value", "low", "high"]])
            for level in ("patient", "lesion")
        ]
        if arm in pairs.index:
            pair = pairs.loc[arm]
            cells += [with_interval(*pair[["difference", "low", "high"]]), p_value(pair["p_holm"])]
        title = "Lesion diameter alone" if arm == DIAMETER_ARM else Arm.parse(arm).title
        rows.append([title, *cells, *["–"] * (4 - len(cells))])
    return markdown(HEAD, rows)


def table_of_strata(results: StudyResults, shown: str) -> list[str]:
    """Build the table of strata of size: volume alone and the arm that is shown, by lesion."""
    table = results.by_size
    rows = []
    for (variable, group), part in table.groupby(["variable", "group"], sort=False):
        cells = part.set_index(["arm", "metric"])
        counts = cells.loc[(shown, "auc")]
        row = [group if variable == ALL else f"{variable}: {group}"]
        row.append(f"{counts['n_lesions']} ({counts['n_positive']} malignant)")
        for key in ((REFERENCE, "auc"), (shown, "auc"), (shown, DIFFERENCE)):
            value = cells.loc[key] if key in cells.index else None
            row.append("–" if value is None else with_interval(*value[["value", "low", "high"]]))
        rows.append(row)
    name = "selected arm" if shown == SELECTED else Arm.parse(shown).title
    head = ("lesions", "number", "volume alone", name, f"{name} minus volume")
    return markdown(head, rows)


def markdown(head: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    """Write a table as lines of Markdown."""
    lines = [list(head), ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def describe(folder: Path) -> str:
    """Write what the page says of one study: its numbers, what beats size, and both tables.

    Results by size are those of the selected arm; of DenseNet-121 in its study.
    """
    results = read_results(folder)
    of_all = json.loads((folder / "results" / "by_size.json").read_text(encoding="utf-8"))
    shown = DENSENET if folder.name == DENSENET_STUDY else SELECTED
    everyone = of_all["strata"][0]["arms"][shown]
    claim = size_claim(results)
    assert claim is not None, f"{folder}: the study has no baseline of lesion volume"
    folds = results.config["splits"]["cv"]["folds"]
    lines = [
        f"{everyone['n_patients']} patients, {everyone['n_lesions']} lesions, of which "
        f"{everyone['n_positive']} are called malignant; {folds} folds; "
        f"{len(results.arms)} arms. **{claim.text}**",
        "",
        *table_3(results),
        "",
        "The same by size of lesion:",
        "",
        *table_of_strata(results, shown),
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="what `make study-lidc` wrote")
    folder = parser.parse_args().folder
    page = PAGE.read_text(encoding="utf-8")
    for name in (*STUDIES, DENSENET_STUDY):
        if not (folder / name / "results" / "by_size.json").is_file():
            print(f"{name}: not finished, so the page keeps what it has")
            continue
        between = re.compile(f"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        text = describe(folder / name)
        page, found = between.subn(lambda marks, text=text: f"{marks[1]}{text}\n{marks[2]}", page)
        if found != 1:
            raise SystemExit(f"{PAGE} has no marks of {name}: put them back")
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE}: written from {folder}")


if __name__ == "__main__":
    main()
