"""Draws the layers of the package from the contract that import-linter checks.

`make docs` writes docs/images/layers.svg anew.
"""

import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[2]
FIGURE = ROOT / "docs/images/layers.svg"
WIDTH, HEIGHT, GAP = 560, 30, 8  # of a layer, in pixels
LIGHT, DARK = "#f2f6fc", "#8aa4c8"
PLANNING = "#e3f3ea"  # fill of the rooms that are used while Snakemake plans


def read_layers(text: str) -> tuple[list[list[str]], set[str]]:
    """Read the contracts of import-linter.

    Parameters
    ----------
    text : str
        The text of pyproject.toml.

    Returns
    -------
    layers : list of list of str
        The rooms of each layer, the highest layer first.
    planning : set of str
        The rooms that no heavy library may be imported by, as Snakemake plans with them.
    """
    layers, planning = [], set()
    for contract in tomllib.loads(text)["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers":
            layers = [
                [room.strip(" ()") for room in layer.replace(":", "|").split("|")]
                for layer in contract["layers"]
            ]
        elif contract["name"].startswith("Planning"):
            planning |= {module.removeprefix("livermets.") for module in contract["source_modules"]}
    return layers, planning & {room for layer in layers for room in layer}


def draw(layers: list[list[str]], planning: set[str]) -> str:
    """Draw one row for each layer and one box for each room, as SVG."""
    height = len(layers) * (HEIGHT + GAP) + GAP + 24
    boxes = []
    for row, rooms in enumerate(layers):
        width = (WIDTH - GAP * (len(rooms) - 1)) / len(rooms)
        for column, room in enumerate(rooms):
            x, y = GAP + column * (width + GAP), GAP + row * (HEIGHT + GAP)
            middle = x + width / 2
            fill = PLANNING if room in planning else LIGHT
            boxes.append(
                f'<rect x="{x:g}" y="{y}" width="{width:g}" height="{HEIGHT}" rx="6" '
                f'fill="{fill}" stroke="{DARK}"/>\n'
                f'<text x="{middle:g}" y="{y + 20}" text-anchor="middle">{escape(room)}</text>'
            )
    legend = "A room imports rooms below it only. Green: also used while Snakemake plans."
    foot = f'<text x="{GAP}" y="{height - 10}" font-size="12" fill="#5b6b7f">{legend}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 2 * GAP}" height="{height}" '
        f'viewBox="0 0 {WIDTH + 2 * GAP} {height}" font-family="Helvetica, Arial, sans-serif" '
        f'font-size="14">\n<title>The layers of the package</title>\n'
        f'<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join([*boxes, foot, "</svg>", ""])
    )


def figure() -> str:
    """Draw the layers of the package as they are checked now."""
    return draw(*read_layers((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
