"""The line of the predictions on the truth, and what each calibration row contributes to it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.exceptions import InputError

from ._estimate import influence_norms

__all__ = ["LinearCore", "learn_line", "line_ratio"]

_ROUNDING = 1e-13


@dataclass(frozen=True, slots=True)
class LinearCore:
    """``f(z) = (z - intercept) / slope`` and the influence of each calibration row on the two."""

    intercept: float
    slope: float
    intercept_influence: Any
    slope_influence: Any
    n_parameters: int = 2

    def f(self, z):
        """Return the debiased column."""
        return (z - self.intercept) / self.slope

    def spread(self, z, coefficients):
        """Return (n_calibration, k): d theta = -(d intercept + f d slope) / slope, summed over the rows."""
        sums, values = coefficients.sum(axis=1), coefficients @ self.f(z)
        return -(np.outer(self.intercept_influence, sums) + np.outer(self.slope_influence, values)) / self.slope


def learn_line(owner, z, y, weights):
    """Return the LinearCore of the (weighted) least squares of z on y."""
    shares = np.full(len(z), 1 / len(z)) if weights is None else weights / weights.sum()
    z_mean, y_mean = shares @ z, shares @ y
    dz, dy = z - z_mean, y - y_mean
    square = shares @ dy**2
    if not square > 0:
        raise InputError(f"{owner}: y must vary over the rows of positive weight.")
    slope = (shares @ (dz * dy)) / square
    if not abs(slope) > _ROUNDING * np.sqrt((shares @ dz**2) / square):
        raise InputError(
            f"{owner}: y_pred must move with y; got a covariance of 0, so that no correction exists. "
            "Give more calibration rows, or a better model."
        )
    residual = dz - slope * dy
    slope_influence = shares * dy * residual / square
    return LinearCore(
        float(z_mean - slope * y_mean), float(slope), shares * residual - y_mean * slope_influence, slope_influence
    )


def line_ratio(core, influence):
    """Return the slope over its standard error, from influence values (n, 1); infinite for a perfect line."""
    error = float(influence_norms(influence)[0])
    if not np.isfinite(error):
        return 0.0
    return core.slope / error if error > 0 else float(np.copysign(np.inf, core.slope))
