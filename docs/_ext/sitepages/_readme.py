"""Parts of the README, and pages that lie outside of `docs`, with their links bent to the site."""

import re
from pathlib import Path

__all__ = ["fill", "relink", "sections"]

ROOT = Path(__file__).resolve().parents[3]
PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "README.md": "index.md"}


def sections(text):
    """Return the parts of a Markdown text by their ``##`` headings; what stands before the first is "beginning"."""
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return {
        "beginning": parts[0],
        **{title.strip(): body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)},
    }


def relink(text):
    """Point links at notebooks and pages of the repository to their pages of the site."""

    def bent(match):
        target = match.group(1)
        if target in PAGES:
            return f"]({PAGES[target]})"
        target = target.removeprefix("docs/")
        if target.startswith("notebooks/"):
            target = target.removesuffix(".py") + ".ipynb"
        return f"]({target})"

    return re.sub(r"\]\(([^)#:\s]+)\)", bent, text)


def fill(text):
    """Replace ``<!-- README: title -->`` by that section of the README."""
    parts = sections((ROOT / "README.md").read_text())
    parts["beginning"] = parts["beginning"].split("\n", 1)[1].strip()  # the page has a title of its own
    return re.sub(r"<!-- README: (.*?) -->", lambda m: relink(parts[m.group(1).strip()]), text)
