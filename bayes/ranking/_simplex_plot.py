"""Judges and candidates on the triangle of laws on three scores."""

import numpy as np

from uq._base import plot
from uq._base.exceptions import InputError

__all__ = ["simplex_picture"]

CLOUD = 200  # draws shown per candidate


def simplex_picture(ax, pi, theta, levels, candidates, judges, owner):
    """Draw posterior means of judges' matrices and candidates' shares, and draws of the latter; return the Axes.

    `pi` is (chain, draw, K, M), `theta` (chain, draw, J, M, M).
    """
    if len(levels) != 3:
        raise InputError(
            f"{owner}: a triangle needs three levels; got {len(levels)}. ranking_.plot() draws any number of them."
        )
    clouds = pi.reshape(-1, *pi.shape[2:])
    clouds = clouds[np.unique(np.linspace(0, len(clouds) - 1, CLOUD).round().astype(int))]
    return plot.simplex(
        plot.axes(ax, (6.4, 6.0)),
        corners=[f"{level:g}" for level in levels],
        triangles=theta.mean(axis=(0, 1)),
        triangle_names=[str(judge) for judge in judges],
        points=pi.mean(axis=(0, 1)),
        point_names=[str(candidate) for candidate in candidates],
        clouds=clouds.transpose(1, 0, 2),
        title="true scores of the candidates (points), votes of the judges on each (triangles)",
    )
