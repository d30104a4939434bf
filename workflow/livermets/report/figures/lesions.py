"""Lesions themselves: examples of each class (Fig. 3) and every arm's call of each (Fig. 4)."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from livermets.core.seeds import derive_seed
from livermets.evaluation.resamples import called_classes
from livermets.report.figures.style import INK, class_colours, save, styled
from livermets.study.arms import Arm

WIDTH = 200  # lesions side by side before the map goes on in the next block
EXAMPLES = 5


def draw_examples(
    slices: list[Path], labels: dict[str, str], classes: list[str], seed: int, path: Path
) -> Path:
    """The largest slice of one random lesion of five random patients of each class.

    slices : {patient}.npz with images (n, y, x) and lesion (n,); an empty file is passed over
    labels : patient -> class
    """
    files = {file.stem: file for file in map(Path, slices) if file.stat().st_size}
    rng = np.random.default_rng(derive_seed(seed, "examples"))
    with styled():
        figure = Figure(figsize=(1.55 * EXAMPLES, 1.9 * len(classes)), layout="constrained")
        figure.set_facecolor("white")
        axes = figure.subplots(len(classes), EXAMPLES, squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        for line, name in zip(axes, classes, strict=True):
            line[0].set_title(name.capitalize())
            mine = sorted(patient for patient in files if labels.get(patient) == name)
            for axis, patient in zip(line, rng.permutation(mine), strict=False):
                shown = _example(files[patient], rng)
                if shown is not None:
                    image, lesion = shown
                    axis.imshow(image, cmap="gray", vmin=0, vmax=255)
                    axis.text(0.02, 0.02, f"{patient}, lesion {lesion}", color="white",
                              fontsize=6.5, transform=axis.transAxes)  # fmt: skip
        return save(figure, path)


def _example(file: Path, rng: np.random.Generator) -> tuple[np.ndarray, int] | None:
    with np.load(file, allow_pickle=False) as archive:
        images, lesions = archive["images"], archive["lesion"]
    if not len(images):
        return None
    lesion = rng.choice(np.unique(lesions))
    of_it = images[lesions == lesion]
    return of_it[(of_it > 0).sum((1, 2)).argmax()], int(lesion)


def draw_lesion_map(
    table: pd.DataFrame, classes: list[str], positive: str, threshold: float | str, path: Path
) -> Path:
    """A row for each arm, a column for each test lesion, coloured by the predicted class.

    Lesions stand by class, then patient (a tick between patients); the strip on top is the true
    class. Many lesions go on in further blocks. Of a repeated cross-validation the first repeat
    is shown. White: this arm did not score the lesion.
    """
    table = table[table["repeat"] == table["repeat"].min()]
    arms = sorted(table["arm"].unique(), key=Arm.parse)
    called = table.assign(call=called_classes(table, classes, positive, threshold)[0])
    key = ["label", "patient", "lesion"]
    called = called.pivot(index="arm", columns=key, values="call")  # noqa: PD010
    order = sorted(called.columns, key=lambda key: (classes.index(key[0]), key[1], key[2]))
    called = called.loc[arms, order]
    blocks = _blocks([(label, patient) for label, patient, _ in order])
    colours = class_colours(classes, positive)
    colours = {name: colours[name] for name in classes}
    with styled():
        wide = max(stop - start for start, stop in blocks)
        height = [0.14 * len(arms) + 0.55] * len(blocks)
        figure = Figure(figsize=(11, sum(height) + 0.45))
        top = figure.get_figheight() - 0.4
        for (start, stop), high in zip(blocks, height, strict=True):
            part = called.iloc[:, start:stop]
            box = [2.35, top - high + 0.1, 8.5 * (stop - start) / wide, high - 0.5]
            _draw_block(figure, box, part, colours)
            top -= high
        handles = [Patch(color=colour, label=f"called {name}") for name, colour in colours.items()]
        figure.legend(handles=handles, loc="upper left", ncols=len(classes), fontsize=9,
                      bbox_to_anchor=(2.25 / 11, 1), handlelength=1)  # fmt: skip
        return save(figure, path)


def _draw_block(
    figure: Figure, box: list[float], called: pd.DataFrame, colours: dict[str, str]
) -> None:
    width, height = figure.get_size_inches()
    frame = [box[0] / width, box[1] / height, box[2] / width, box[3] / height]
    axis = figure.add_axes(frame)
    labels = called.columns.get_level_values("label")
    patients = called.columns.get_level_values("patient")
    axis.imshow(
        np.ma.masked_invalid(called.to_numpy(float)), cmap=ListedColormap(list(colours.values())),
        vmin=0, vmax=len(colours) - 1, aspect="auto", interpolation="none",
    )  # fmt: skip
    n = len(called)
    axis.set_yticks(range(n), [Arm.parse(arm).title for arm in called.index], fontsize=7)
    axis.set_xticks([])
    axis.tick_params(length=0)
    for side in axis.spines.values():
        side.set_visible(False)
    for row in range(1, n):
        change = Arm.parse(called.index[row]).family != Arm.parse(called.index[row - 1]).family
        axis.axhline(row - 0.5, color="white", lw=2.2 if change else 0.5)
    strip = axis.inset_axes([0, 1.01, 1, 0.13 / box[3]])
    code = {name: i for i, name in enumerate(colours)}
    strip.imshow(
        [[code[label] for label in labels]], cmap=ListedColormap(list(colours.values())),
        vmin=0, vmax=len(colours) - 1, aspect="auto", interpolation="none",
    )  # fmt: skip
    strip.set_axis_off()
    edges = np.flatnonzero(patients[1:] != patients[:-1]) + 0.5
    for edge in edges:
        axis.axvline(edge, color="white", lw=0.9)
        strip.axvline(edge, color="white", lw=0.9)
    for name in dict.fromkeys(labels):
        here = np.flatnonzero(labels == name)
        room = len(here) / len(labels) * box[2]  # inches, to choose how much to say
        counts = {"lesion": len(here), "patient": len(set(patients[here]))}
        said = ", ".join(f"{n} {what}{'s' if n > 1 else ''}" for what, n in counts.items())
        text = f"truly {name}: {said}"
        text = text if room > 2.6 else f"truly {name}" if room > 1 else ""
        strip.text(here[0] - 0.5, -0.8, text, fontsize=7, va="bottom", color=INK)


def _blocks(keys: list[tuple[str, str]]) -> list[tuple[int, int]]:
    """Column ranges of at most `WIDTH` lesions that split no patient, evenly filled."""
    ends = [i for i in range(1, len(keys)) if keys[i] != keys[i - 1]] + [len(keys)]
    target = len(keys) / -(-len(keys) // WIDTH)
    blocks, start = [], 0
    for end, following in zip(ends, ends[1:] + [None], strict=True):
        full = following is None or following - start > max(target, WIDTH)
        if full or end - start >= target:
            blocks.append((start, end))
            start = end
    return blocks
