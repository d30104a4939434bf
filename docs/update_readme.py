"""Puts the demo's own numbers into the README: `make readme`, after `make demo`.

The table stands between the README's two `<!-- table3 -->` marks; the figure is copied beside.
"""

import shutil
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
ROOT = HERE.parent
RESULTS = ROOT / "tests/demo/results"
MARK = "<!-- table3 -->"


def cell(row: pd.Series, metric: str) -> str:
    """Value and interval, e.g. 0.85 (0.79–0.90)."""
    if pd.isna(row[f"{metric}_low"]):
        return f"{row[metric]:.2f} (no interval)"
    return f"{row[metric]:.2f} ({row[f'{metric}_low']:.2f}–{row[f'{metric}_high']:.2f})"


table = pd.read_csv(RESULTS / "tables/table3.tsv", sep="\t").fillna({"resampling": ""})
table = table[table["scheme"] == "cv"]
lesion = table[table["level"] == "lesion"]
patient = table[table["level"] == "patient"].set_index("arm")
lines = [
    "| model | resampling | AUC by patient | AUC by lesion | accuracy by lesion |",
    "|---|---|---|---|---|",
]
for _, row in lesion.iterrows():
    lines.append(
        f"| {row['model']} | {row['resampling']} | {cell(patient.loc[row['arm']], 'auc')} "
        f"| {cell(row, 'auc')} | {cell(row, 'accuracy')} |"
    )
readme = ROOT / "README.md"
before, _, after = readme.read_text().split(MARK)
readme.write_text("\n".join([before + MARK, *lines, MARK + after]))
shutil.copy(RESULTS / "figures/roc_cv.svg", HERE / "images/roc.svg")
