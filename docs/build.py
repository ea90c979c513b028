"""Build the site into `build/docs`: ``python docs/build.py``, or ``--no-notebooks`` to leave their cells unexecuted."""

import argparse
import os
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
BUILD = DOCS.parent / "build"
sys.path.insert(0, str(DOCS / "_ext"))
os.environ.setdefault("MPLBACKEND", "Agg")


def main(arguments=None):
    """Stage the sources, then run Sphinx, to which every warning is an error. Return its exit status."""
    from sitepages import stage
    from sphinx.cmd.build import main as sphinx

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-notebooks", action="store_true", help="do not run the notebooks")
    parser.add_argument("--output", type=Path, default=BUILD / "docs", help="where the pages go")
    options = parser.parse_args(arguments)
    sources = options.output.with_name(options.output.name + "-sources")
    stage(sources, execute=not options.no_notebooks)
    doctrees = options.output.with_name(options.output.name + "-doctrees")
    strict = ["--fail-on-warning", "--keep-going", "--quiet"]
    return sphinx([*strict, "-c", str(DOCS), "-d", str(doctrees), "-b", "html", str(sources), str(options.output)])


if __name__ == "__main__":
    sys.exit(main())
