"""The notebooks as pages: run once, as the tests run them, and kept until they or the library change."""

import hashlib
import logging
from pathlib import Path

__all__ = ["notebook_pages", "notebooks", "title"]

ROOT = Path(__file__).resolve().parents[3]
KEPT = ROOT / "build" / "notebooks"
PACKAGES = ("uq", "conformal", "calibration", "bayes", "causal")
LOGGER = logging.getLogger(__name__)


def notebooks():
    """Return the notebooks, the tour first."""
    return sorted((ROOT / "notebooks").glob("*.py"), key=lambda path: (path.stem != "tour", path.stem))


def title(path):
    """Return the question that a notebook begins with."""
    return next(line[4:].strip() for line in path.read_text().splitlines() if line.startswith("# # "))


def library_digest():
    """Return a hash of all that the answers of a notebook depend on, as far as it is ours."""
    digest = hashlib.sha256()
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest


def notebook_pages(execute):
    """Return {path below the sources: text of an .ipynb}; without `execute` the cells stand alone."""
    import jupytext
    import nbformat

    library, pages = library_digest(), {}
    for path in notebooks():
        digest = library.copy()
        digest.update(path.read_bytes())
        kept = KEPT / f"{path.stem}-{digest.hexdigest()[:16]}.ipynb"
        if execute and not kept.exists():
            LOGGER.warning("running %s", path.name)
            notebook = jupytext.read(path)
            run(notebook, path.parent)
            KEPT.mkdir(parents=True, exist_ok=True)
            for old in KEPT.glob(f"{path.stem}-*.ipynb"):
                old.unlink()
            kept.write_text(nbformat.writes(notebook))
        text = kept.read_text() if kept.exists() else nbformat.writes(jupytext.read(path))
        pages[f"notebooks/{path.stem}.ipynb"] = text
    return pages


def run(notebook, folder):
    """Execute a notebook in its own folder, from top to bottom; an error in a cell is an error here."""
    import nbclient

    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=180, kernel_name="python3", resources=resources).execute()
