"""nnU-Net's environment: the variables that it reads, and its printed lines sent to the log."""

import contextlib
import io
import logging
import os
from collections.abc import Iterator

FOLDERS = ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")
log = logging.getLogger(__name__)


@contextlib.contextmanager
def nnunet_environment(**variables: str) -> Iterator[None]:
    """Run a block with nnU-Net's environment variables set; restore the environment afterwards.

    `variables` take precedence over the environment, and the environment over the defaults here.
    What nnU-Net prints in the block goes to the log, at level DEBUG.
    """
    defaults = {**dict.fromkeys(FOLDERS, os.devnull), "nnUNet_n_proc_DA": "1"}
    before = dict(os.environ)
    os.environ.update({**defaults, **before, **variables})
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        for line in filter(None, map(str.strip, printed.getvalue().splitlines())):
            log.debug("nnU-Net: %s", line)
