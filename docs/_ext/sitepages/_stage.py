"""All sources of the site in one folder: pages written by hand, and those written from the code."""

import shutil
from pathlib import Path

from ._api import api_pages
from ._guarantees import guarantees_page
from ._notebooks import notebook_pages, notebooks, title
from ._readme import fill, relink

__all__ = ["pages", "stage"]

ROOT = Path(__file__).resolve().parents[3]


def notebook_index():
    """Return the page that lists the notebooks by their questions."""
    text = "# Notebooks\n\nOne question each, on real data, in under a minute. They are Python files in `notebooks/`;\n"
    text += "what they show here was computed when this site was built.\n\n"
    text += "".join(f"- [{title(path)}]({path.stem}.ipynb)\n" for path in notebooks())
    return text + "\n```{toctree}\n:hidden:\n\n" + "".join(f"{path.stem}\n" for path in notebooks()) + "```\n"


def pages(execute=False, run_examples=True):
    """Return {path: text} of the whole site; notebooks and the examples of docstrings are run if that is asked for."""
    answer = {path.name: fill(path.read_text()) for path in (ROOT / "docs").glob("*.md")}
    answer["contributing.md"] = relink((ROOT / "CONTRIBUTING.md").read_text())
    answer["changelog.md"] = relink((ROOT / "CHANGELOG.md").read_text())
    answer["guarantees.rst"] = guarantees_page(run_examples)
    answer["notebooks/index.md"] = notebook_index()
    return answer | api_pages() | notebook_pages(execute)


def stage(folder, execute=False):
    """Write the sources into an empty folder, so that no page of an older build stays."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in pages(execute).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
