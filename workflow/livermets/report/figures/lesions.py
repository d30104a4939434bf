"""Figures of single lesions: examples of each class, and the class that each arm predicts."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from livermets.core.scan_ids import in_words, patient_of
from livermets.core.seeds import derive_seed
from livermets.evaluation.scored_arms import called_classes
from livermets.report.figures.style import DOUBLE_COLUMN, INK, class_colours, figure_style, save
from livermets.study.arms import Arm
from livermets.study.names import lesion_key

MAP_CAPTION = (
    "One row for each arm, one column for each test lesion. White lines separate patients; the "
    "strip on top is the true class."
)
EXAMPLES_CAPTION = (
    "The largest slice of one lesion of several patients of each class, as the network sees it: "
    "windowed, cropped, and black outside the lesion. Patients and lesions were drawn at random."
)
WIDTH = 200  # lesions of a block of the map, side by side
LABELS = 2.05  # inches, of the names of the arms
MAP = DOUBLE_COLUMN - LABELS - 0.1  # inches, of a block
EXAMPLES = 5  # lesions of each class


def draw_examples(
    slices: list[Path], labels: dict[str, str], classes: list[str], seed: int, path: Path
) -> Path:
    """Draw the largest slice of one random lesion of five random scans of each class.

    Parameters
    ----------
    slices : list of Path
        Files {scan}.npz with images, shape (n, y, x) or (n, channels, y, x), and lesion, shape
        (n,). Empty files are skipped.
    labels : dict of str to str
        Patient -> class.
    classes : list of str
        Class names, one row each.
    seed : int
        The study's seed.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    files = {file.stem: file for file in map(Path, slices) if file.stat().st_size}
    rng = np.random.default_rng(derive_seed(seed, "examples"))
    with figure_style():
        figure = Figure(figsize=(DOUBLE_COLUMN, 1.65 * len(classes)), layout="constrained")
        figure.set_facecolor("white")
        axes = figure.subplots(len(classes), EXAMPLES, squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        for line, name in zip(axes, classes, strict=True):
            line[0].set_title(name.capitalize())
            scans = sorted(scan for scan in files if labels.get(patient_of(scan)) == name)
            for axis, scan in zip(line, rng.permutation(scans), strict=False):
                example = _random_lesion(files[scan], rng)
                if example is not None:
                    image, lesion = example
                    axis.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="none")
                    axis.text(0.02, 0.02, f"{in_words(scan)}, lesion {lesion}", color="white",
                              fontsize=6.5, transform=axis.transAxes)  # fmt: skip
        return save(figure, path, EXAMPLES_CAPTION)


def _random_lesion(file: Path, rng: np.random.Generator) -> tuple[np.ndarray, int] | None:
    """The slice of a random lesion with most pixels above 0, and its number; None without any."""
    with np.load(file, allow_pickle=False) as archive:
        images, lesions = archive["images"], archive["lesion"]
    if not len(images):
        return None
    if images.ndim == 4:  # neighbouring slices are channels, the slice itself is in the middle
        images = images[:, images.shape[1] // 2]
    lesion = rng.choice(np.unique(lesions))
    slices = images[lesions == lesion]
    areas = (slices > 0).sum((1, 2))
    alike = areas.min() == areas.max()  # as where the surroundings are kept
    return slices[len(slices) // 2 if alike else areas.argmax()], int(lesion)


def draw_lesion_map(
    table: pd.DataFrame, classes: list[str], positive: str, threshold: float | str, path: Path
) -> Path:
    """Draw the predicted class of each test lesion (columns) by each arm (rows).

    Lesions are sorted by class, then patient, with a line between patients. The strip on top is the
    true class. More than `WIDTH` lesions are drawn in several blocks. A lesion that an arm did not
    score is white.

    Parameters
    ----------
    table : DataFrame
        The predictions of one scheme, with `repeat`; only the first repeat is drawn.
    classes : list of str
        Class names.
    positive : str
        The class that `score` is the probability of.
    threshold : float or str
        The threshold of the score, or "youden".
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    repeats = table["repeat"].nunique()
    table = table[table["repeat"] == table["repeat"].min()]
    arms = sorted(table["arm"].unique(), key=Arm.parse)
    called = table.assign(call=called_classes(table, classes, positive, threshold)[0])
    key = ["label", *lesion_key(table)]
    called = called.pivot(index="arm", columns=key, values="call")  # noqa: PD010
    order = sorted(
        table[key].drop_duplicates().itertuples(index=False, name=None),
        key=lambda lesion: (classes.index(lesion[0]), *lesion[1:]),
    )
    called = called.loc[arms, order]
    blocks = _blocks([(lesion[0], lesion[1]) for lesion in order])
    colours = class_colours(classes, positive)
    colours = {name: colours[name] for name in classes}
    with figure_style():
        widest = max(stop - start for start, stop in blocks)
        heights = [0.14 * len(arms) + 0.55] * len(blocks)  # inches
        figure = Figure(figsize=(DOUBLE_COLUMN, sum(heights) + 0.45))
        top = figure.get_figheight() - 0.4
        for (start, stop), height in zip(blocks, heights, strict=True):
            part = called.iloc[:, start:stop]
            box = (LABELS, top - height + 0.1, MAP * (stop - start) / widest, height - 0.5)
            _draw_block(figure, box, part, colours)
            top -= height
        handles = [Patch(color=colour, label=f"called {name}") for name, colour in colours.items()]
        corner = ((LABELS - 0.1) / DOUBLE_COLUMN, 1)
        figure.legend(handles=handles, loc="upper left", ncols=len(classes), fontsize=8,
                      bbox_to_anchor=corner, handlelength=1)  # fmt: skip
        return save(figure, path, MAP_CAPTION + (" First repeat." if repeats > 1 else ""))


def _draw_block(
    figure: Figure,
    box: tuple[float, float, float, float],
    called: pd.DataFrame,
    colours: dict[str, str],
) -> None:
    """Draw one block of the map in `box`: left, bottom, width and height in inches."""
    width, height = figure.get_size_inches()
    axis = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
    labels = called.columns.get_level_values("label")
    patients = called.columns.get_level_values("patient")
    axis.imshow(
        np.ma.masked_invalid(called.to_numpy(float)), cmap=ListedColormap(list(colours.values())),
        vmin=0, vmax=len(colours) - 1, aspect="auto", interpolation="none",
    )  # fmt: skip
    n = len(called)
    axis.set_yticks(range(n), [Arm.parse(arm).title for arm in called.index], fontsize=6.5)
    axis.set_xticks([])
    axis.tick_params(length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)
    for row in range(1, n):
        families = {Arm.parse(arm).family for arm in called.index[row - 1 : row + 1]}
        axis.axhline(row - 0.5, color="white", lw=2.2 if len(families) > 1 else 0.5)
    strip = axis.inset_axes((0, 1.01, 1, 0.13 / box[3]))
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
        columns = np.flatnonzero(labels == name)
        space = len(columns) / len(labels) * box[2]  # inches, for the text
        counts = {"lesion": len(columns), "patient": len(set(patients[columns]))}
        numbers = ", ".join(f"{n} {unit}{'s' if n > 1 else ''}" for unit, n in counts.items())
        text = f"truly {name}: {numbers}" if space > 2.6 else f"truly {name}" if space > 1 else ""
        strip.text(columns[0] - 0.5, -0.8, text, fontsize=7, va="bottom", color=INK)


def _blocks(keys: list[tuple[str, str]]) -> list[tuple[int, int]]:
    """Column ranges of about equal length, at most `WIDTH`, with every patient in one range."""
    ends = [i for i in range(1, len(keys)) if keys[i] != keys[i - 1]] + [len(keys)]
    target = len(keys) / -(-len(keys) // WIDTH)
    blocks, start = [], 0
    for end, following in zip(ends, ends[1:] + [None], strict=True):
        full = following is None or following - start > max(target, WIDTH)
        if full or end - start >= target:
            blocks.append((start, end))
            start = end
    return blocks
