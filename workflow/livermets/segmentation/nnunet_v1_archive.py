"""The folder of a model of nnU-Net v1, whose archives hold up to four configurations."""

import logging
from pathlib import Path

from livermets.core.errors import BadInput

log = logging.getLogger(__name__)

CHECKPOINT = "model_final_checkpoint"  # v1's name of a finished training
CASCADE = "3d_cascade_fullres"
CONFIGURATIONS = ("2d", "3d_lowres", "3d_fullres", CASCADE)
DEFAULT = "3d_fullres"  # of an archive with several


def is_v1_model(folder: Path) -> bool:
    """Tell whether a folder is that of a trained model of nnU-Net v1."""
    return (folder / "plans.pkl").is_file() and any(folder.glob("*/*.model"))


def choose_v1_model(folder: Path, configuration: str | None, title: str) -> Path | None:
    """Find the folder in `folder` that holds the wanted model of nnU-Net v1, None without any.

    Parameters
    ----------
    folder : Path
        An unpacked archive, such as Task003_Liver.zip with four configurations.
    configuration : str, optional
        3d_fullres, 3d_lowres or 2d; by default the only one, or 3d_fullres.
    title : str
        What messages call the model.

    Raises
    ------
    BadInput
        The configuration is not there, is the second stage of a cascade, or is not clear.
    """
    models = [file.parent for file in sorted(folder.rglob("plans.pkl"))]
    models = [model for model in models if is_v1_model(model)]
    if not models:
        return None
    names = {model: _configuration_name(model) for model in models}
    wanted = configuration or (DEFAULT if len(models) > 1 else names[models[0]])
    if wanted == CASCADE:
        raise BadInput(
            f"{title}: {wanted} is the second stage of a cascade and needs the masks of the first; "
            "set its `configuration` to 3d_fullres or 3d_lowres"
        )
    # the folders of a single model need not say which configuration it is
    accepted = {wanted} if len(models) > 1 else {wanted, ""}
    chosen = [model for model in models if names[model] in accepted]
    if len(chosen) != 1:
        raise BadInput(
            f"{title} is an nnU-Net v1 model with {', '.join(sorted(filter(None, names.values())))}"
            f" and not one {wanted}; set its `configuration` to one of them, or give the folder "
            "that holds plans.pkl"
        )
    log.info("%s: nnU-Net v1, %s", title, chosen[0])
    return chosen[0]


def _configuration_name(model: Path) -> str:
    """Read the configuration off the names of a model's folders, "" if none names one."""
    parts = [part.lower() for part in model.parts]
    if any("cascade" in part for part in parts[-3:]):
        return CASCADE
    return next((part for part in reversed(parts) if part in CONFIGURATIONS), "")
