"""How the documentation is built: ``make docs``; warnings are errors, nothing comes from other hosts."""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]  # its extension; jobs and serve
os.environ.setdefault("OMP_NUM_THREADS", "1")
for _default in ("GRATICULE_SEGMENTER", "GRATICULE_TRACKER"):
    os.environ.pop(_default, None)  # the reference shows the defaults of everybody

project = "graticule"
author = "the graticule authors"
project_copyright = author
release = version_of("graticule")
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "docs_reference",
]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["Thumbs.db", ".DS_Store"]
nitpicky = True
# Names of graticule and of the endpoint must resolve; those of other projects have no site to lead to.
# Types that one meets in signatures and has no use for by themselves.
_INNER = (
    r"graticule\.(storage\.(place|attributes)|pipeline\.(step|stage|ingest|champion)"
    r"|training\.(job|events|loop|examples|recipe|plan|learner|validation|result|observer))(\..*)?"
    r"|graticule\.synthetic\.presets\.PRESETS|.*\.settings\.S"
)
nitpick_ignore_regex = [("py:.*", r"(?!(graticule|serve)\.).*"), ("py:.*", _INNER)]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 88
add_module_names = False

html_theme = "furo"
html_title = "graticule"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": []}
pygments_style = "friendly"
pygments_dark_style = "monokai"
copybutton_exclude = ".linenos, .gp, .go"
