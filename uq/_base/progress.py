"""A bar for long loops, on a terminal and where tqdm is installed; nothing otherwise. The only importer of tqdm."""

import sys

__all__ = ["progress"]


def progress(steps, label=""):
    """Return `steps` (anything with a length), with a bar on standard error where that is a terminal."""
    if not getattr(sys.stderr, "isatty", lambda: False)():
        return steps
    try:
        from tqdm import tqdm
    except ImportError:
        return steps
    return tqdm(steps, desc=label, leave=False)
