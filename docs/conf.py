"""Sphinx's configuration: `make docs` builds the site offline, and every warning is an error."""

import re
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
version = release = __version__

add_module_names = False
default_role = "code"
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
nitpicky = True
suppress_warnings = ["ref.python"]  # two rooms may have a class of one name
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


def break_door_sign(_app, kind, name, _member, _options, lines):
    """Start a new line for each part of a room's door sign: In, Front door, May not import."""
    if kind != "module" or name.count(".") != 1 or "" not in lines:
        return
    first = lines.index("") + 1
    last = lines.index("", first) if "" in lines[first:] else len(lines)
    for number in range(first, last):
        starts = re.match(r"(In|In and out|Out|Front doors?|May|Nothing may|Runs)\b", lines[number])
        lines[number] = ("| " if starts else "  ") + lines[number]


def shorten_signature(_app, _kind, _name, _member, _options, signature, returns):
    """Write ArrayLike for the union of types that NumPy means by it."""
    union = r"_Buffer \| .*?_NestedSequence\[complex \| bytes \| str\]"
    return signature and re.sub(union, "ArrayLike", signature), returns


def setup(app):
    """Sphinx calls this function when it starts."""
    app.connect("autodoc-skip-member", skip_member)
    app.connect("autodoc-process-docstring", break_door_sign)
    app.connect("autodoc-process-signature", shorten_signature)


html_theme = "furo"
html_title = "livermets"
html_static_path = ["_static"]
html_css_files = ["livermets.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
