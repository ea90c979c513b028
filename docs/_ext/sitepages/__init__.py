"""Pages of the site that are written from the code: the public names, the promises, the notebooks, parts of the README.

`stage` puts them beside the pages written by hand; nothing here needs Sphinx.
"""

from ._stage import stage as stage

__all__ = ["stage"]
