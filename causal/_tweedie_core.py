"""Tweedie's correction in numbers: ``f(z) = a + b z - c T(z)``, and what each calibration row contributes to it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from uq._base.exceptions import InputError

from ._score import Score, fit_score

__all__ = ["TweedieCore", "learn_tweedie", "scott_factor"]


@dataclass(frozen=True, slots=True)
class TweedieCore:
    """The correction of standardised columns.

    Parameters
    ----------
    offset, slope : float
        a and b, of the recalibration.
    factor : float
        c.
    score : Score
        T of the predictions: with recalibrated ones z' = a + b z it is b times that of z'.
    offset_influence, slope_influence : ndarray of shape (n,)
    shift : ndarray of shape (n,)
        Influence on the parameter that the errors are centred by.
    error : ndarray of shape (n,) or None
        Errors, where T has their squares for marks.
    noise : float
        Variance of the errors.
    n_parameters : int
    factor_influence : ndarray of shape (n,)
    """

    offset: float
    slope: float
    factor: float
    score: Score
    offset_influence: Any
    slope_influence: Any
    shift: Any
    error: Any
    noise: float
    n_parameters: int
    factor_influence: Any

    def f(self, z):
        """Return the debiased column."""
        return self.offset + self.slope * z - self.factor * self.score.at(z)

    def spread(self, z, coefficients):
        """Return (n_calibration, k): all that moves, a, b, c and T."""
        return (
            np.outer(self.offset_influence, coefficients.sum(axis=1))
            + np.outer(self.slope_influence, coefficients @ z)
            - np.outer(self.factor_influence, coefficients @ self.score.at(z))
            - self.factor * self.of_score(z, coefficients)
        )

    def of_score(self, z, coefficients):
        """Return what each calibration row contributes to a functional of T alone."""
        return self.score.spread(z, coefficients, self.shift, self.slope_influence, self.error)


def scott_factor(weights, n):
    """Return Scott's bandwidth in standard deviations (of the sample itself, not of the population)."""
    many = n if weights is None else weights.sum() ** 2 / (weights**2).sum()
    return many**-0.2 * np.sqrt(many / (many - 1)) if many > 1 else 1.0


def learn_tweedie(owner, z, y, weights, *, scale, local, identity=None, bandwidth=None, factor=None, reuse=()):
    """Return the TweedieCore.

    Parameters
    ----------
    z, y : ndarray of shape (n,)
        Standardised.
    weights : ndarray of shape (n,) or None
    scale : {"residual", "moment"}
    local : bool
    identity : (float, float), optional
        Offset and slope that stand for no recalibration; by default they are least squares of y on z.
    bandwidth, factor : float
        Of the kernel, or in standard deviations.
    reuse : (Grid, sparse matrix), optional
    """
    n = len(z)
    shares = np.full(n, 1 / n) if weights is None else weights / weights.sum()
    z_mean, y_mean = shares @ z, shares @ y
    nothing = np.zeros(n)
    if identity is None:
        dz = z - z_mean
        square = shares @ dz**2
        if not square > 0:
            raise InputError(f"{owner}: y_pred must vary over the rows of positive weight.")
        b = (shares @ (dz * (y - y_mean))) / square
        a = y_mean - b * z_mean
        error = y - y_mean - b * dz
        psi_b = shares * dz * error / square
        psi_a = shares * error - z_mean * psi_b
        shift = psi_a
    else:
        a, b = identity
        error = y - a - b * z
        error = error - shares @ error
        psi_a = psi_b = nothing
        shift = shares * error
    if b == 0:
        raise InputError(f"{owner}: y_pred must move with y; got a covariance of 0.")
    noise = float(shares @ error**2)
    if not np.isfinite(noise):
        raise InputError(f"{owner}: y - y_pred exceeds the floats. Rescale, or use recalibrate='linear'.")
    marks = error**2 if local else np.ones(n)
    score = fit_score(z, shares, marks, bandwidth, factor=factor, **dict(zip(("grid", "bins"), reuse, strict=False)))
    with np.errstate(over="ignore"):
        c = (1.0 if local else noise) / b
    if not np.isfinite(c):
        raise InputError(f"{owner}: y_pred is too small beside y for the floats. Rescale, or use recalibrate='linear'.")
    psi_c = -c * (psi_b / b) + (0.0 if local else shares * (error**2 - noise) / b)
    marked, many = error if local else None, 2 + (identity is None)
    core = TweedieCore(float(a), float(b), float(c), score, psi_a, psi_b, shift, marked, noise, many, psi_c)
    if scale == "residual":
        return core
    c, psi_c = _pinned(owner, core, z, y, shares)
    return replace(core, factor=float(c), factor_influence=psi_c)


def _pinned(owner, core, z, y, shares):
    """Return the c with which the calibration slope of f on y is 1, and the influence of each row on it."""
    dy = y - shares @ y
    values = core.score.at(z)
    excess = core.offset + core.slope * z - y
    above, below = shares @ (excess * dy), shares @ (values * dy)
    if below == 0:
        raise InputError(f"{owner}: scale='moment' needs a score that moves with y; use scale='residual'.")
    c = above / below
    of_mean = shares * dy
    of_above = shares * (excess * dy - above) - of_mean * (shares @ excess) + core.slope_influence * (shares @ (z * dy))
    of_below = shares * (values * dy - below) - of_mean * (shares @ values)
    of_below = of_below + core.of_score(z, (shares * dy)[None])[:, 0]
    return c, (of_above - c * of_below) / below
