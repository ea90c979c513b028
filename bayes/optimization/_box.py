"""Over which points an acquisition looks for the largest value: candidates, or a box."""

import numpy as np

from uq._base.exceptions import InputError
from uq._base.validation import check_matrix

from ._utility import check_points

__all__ = ["check_where", "seen_box"]


def check_where(candidates, bounds, owner, posteriors, d):
    """Return candidates and bounds, of which the caller may give one."""
    if candidates is not None and bounds is not None:
        raise InputError(f"{owner}: bounds must be left out where candidates are given; got both.")
    if candidates is not None:
        candidates = check_points(candidates, owner, posteriors, "candidates")
    if bounds is not None:
        bounds = _check_box(bounds, owner, d)
    return candidates, bounds


def seen_box(posterior):
    """Return the range (d, 2) of the evaluated points."""
    return np.column_stack([posterior.X.min(axis=0), posterior.X.max(axis=0)])


def _check_box(bounds, owner, d):
    """Return bounds (d, 2) with low <= high."""
    bounds = check_matrix(bounds, owner, "bounds")
    if bounds.shape != (d, 2) or (bounds[:, 0] > bounds[:, 1]).any():
        raise InputError(
            f"{owner}: bounds must have shape ({d}, 2), smallest and largest value of each column; "
            f"got {bounds.tolist()!r:.100}."
        )
    return bounds
