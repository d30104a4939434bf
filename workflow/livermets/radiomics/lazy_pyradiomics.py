"""pyradiomics 3.0.1 without log messages, and without its validator until that is used.

The import of pyradiomics imports pykwalify and a YAML library, which takes longer than the features
of a lesion.
"""

import logging
import sys
from importlib import import_module
from types import ModuleType

import pykwalify


def _import_on_use(name: str) -> None:
    """Put a placeholder into `sys.modules` that imports the module at its first use.

    The LazyLoader of importlib would import it at the second import statement.
    """
    if name in sys.modules:
        return
    placeholder = ModuleType(name)

    def load(attribute: str) -> object:
        if sys.modules.get(name) is placeholder:
            del sys.modules[name]
        return getattr(import_module(name), attribute)

    placeholder.__getattr__ = load  # type: ignore[method-assign]  # PEP 562: of a module
    sys.modules[name] = placeholder


_import_on_use("pykwalify.core")
_import_on_use("radiomics.scripts")  # the command line, which imports the same
pykwalify.core = sys.modules["pykwalify.core"]

import radiomics  # noqa: E402
from radiomics import cShape, imageoperations  # noqa: E402, F401

VERSION = radiomics.__version__.removeprefix("v")
PYRADIOMICS_CLASSES = radiomics.getFeatureClasses()

radiomics.setVerbosity(60)  # reasons go to the table, not to stderr
radiomics.logger.propagate = False
logging.getLogger("pykwalify").setLevel(logging.WARNING)
