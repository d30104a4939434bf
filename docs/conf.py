"""Sphinx's configuration: `make docs` builds the site offline, and every warning is an error."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent / "workflow")]

from generators import api, config_file, layers, rules  # noqa: E402
from livermets import __version__  # noqa: E402

# The parts of the reference that have a source elsewhere are written anew in every build.
REFERENCE = DOCS / "reference"
api.write_pages(REFERENCE / "api")
for name, text in (
    ("config", config_file.reference_page(config_file.load_schema())),
    ("rules", rules.reference_page()),
):
    (REFERENCE / f"{name}.md").write_text(text, encoding="utf-8")
layers.FIGURE.write_text(layers.figure(), encoding="utf-8")

project = "livermets"
author = "the authors of livermets"
project_copyright = "Apache-2.0"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
nitpicky = True
# Without a network there is no index of other projects to look their names up in.
nitpick_ignore_regex = [("py:.*", r"(?!livermets\.).*")]

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
numpydoc_show_class_members = False


def skip_member(_app, _kind, name, _member, skip, _options):
    """Leave out the methods that scikit-learn adds to every estimator for metadata routing."""
    return skip or (name.startswith("set_") and name.endswith("_request"))


def setup(app):
    """Sphinx calls this function when it starts."""
    app.connect("autodoc-skip-member", skip_member)


html_theme = "furo"
html_title = "livermets"
html_static_path = ["_static"]
html_css_files = ["livermets.css"]
html_copy_source = False
html_show_sphinx = False
