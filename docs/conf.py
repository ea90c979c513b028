"""Sphinx's settings. The sources are put together by `build.py`; no page loads anything from a network."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "errorbars"
author = "the errorbars developers"
version = release = installed("errorbars")
language = "en"

extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_nb", "mathml"]
exclude_patterns = ["_build"]
default_role = "py:obj"
smartquotes = False  # "auto" is a value that people copy
add_module_names = False
toc_object_entries = False

numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
autodoc_typehints = "none"
autodoc_default_options = {"exclude-members": "__init__"}

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # `build.py` has run them
nb_ipywidgets_js = {}

html_math_renderer = "mathml"
html_theme = "alabaster"
html_theme_options = {
    "description": "Honest error bars for the outputs of models you run elsewhere",
    "page_width": "70em",
    "sidebar_width": "16em",
    "show_powered_by": "false",
}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
html_show_sphinx = False
html_copy_source = False
