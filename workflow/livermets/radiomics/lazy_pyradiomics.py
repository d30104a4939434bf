"""pyradiomics 3.0.1, quiet, and imported without its validator of settings until that is used.

pyradiomics imports pykwalify (and with it a YAML library) when it is imported itself, which costs
a lesion's job more than its features do.
"""

import logging
import sys
from importlib import import_module
from types import ModuleType

import pykwalify


def _import_on_use(name: str) -> None:
    """Let `import name` bind a stand-in that gives way to the module when something is asked of it.

    (importlib's LazyLoader loads at the second import statement already.)
    """
    if name in sys.modules:
        return
    stand_in = ModuleType(name)

    def ask(attribute: str) -> object:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(import_module(name), attribute)

    stand_in.__getattr__ = ask
    sys.modules[name] = stand_in


_import_on_use("pykwalify.core")
_import_on_use("radiomics.scripts")  # the command line, which imports the same
pykwalify.core = sys.modules["pykwalify.core"]

import radiomics  # noqa: E402
from radiomics import cShape, imageoperations  # noqa: E402, F401

VERSION = radiomics.__version__.removeprefix("v")
feature_classes = radiomics.getFeatureClasses()

radiomics.setVerbosity(60)  # reasons go into the table, not to stderr
radiomics.logger.propagate = False
logging.getLogger("pykwalify").setLevel(logging.WARNING)
