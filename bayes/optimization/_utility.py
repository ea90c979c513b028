"""What every acquisition offers: a value at one point with its gradient, and a ranking of many points."""

from typing import Protocol

import numpy as np

from uq._base.exceptions import InputError
from uq._base.validation import check_matrix, check_number

from ._gain import safe_exp

__all__ = ["Average", "Utility", "check_gp", "check_noise", "check_points", "evaluate", "next_noise"]


class Utility(Protocol):
    """An acquisition of one fitted Gaussian process, made once and asked at many points.

    Values are logarithms, so that an acquisition times a probability is a sum.
    """

    def at(self, x):
        """Return (value, gradient (d,)) at one point x (d,); where the value is -inf the gradient is 0."""

    def screen(self, A):
        """Return the values at the rows of A, of shape (m,)."""


class Average:
    """Mean, in linear space, of utilities whose values are logarithms: one for each posterior.

    Parameters
    ----------
    parts : list of Utility
    log_units : sequence of float
        Added to the logarithms: what one unit of each part is worth.
    """

    def __init__(self, parts, log_units):
        self.parts = list(parts)
        self._shift = np.asarray(log_units, dtype=float) - np.log(len(self.parts))

    def at(self, x):
        """Return (log of the mean, its gradient)."""
        if len(self.parts) == 1:
            value, gradient = self.parts[0].at(x)
            return value + self._shift[0], gradient
        values, gradients = zip(*(part.at(x) for part in self.parts), strict=True)
        values = np.array(values) + self._shift
        top = values.max()
        if top == -np.inf:
            return top, np.zeros(len(x))
        weights = np.exp(values - top)
        total = weights.sum()
        return top + np.log(total), weights @ np.array(gradients) / total

    def screen(self, A):
        """Return the log of the mean at the rows of A."""
        values = self.parts[0].screen(A) + self._shift[0]
        for part, shift in zip(self.parts[1:], self._shift[1:], strict=True):
            values = np.logaddexp(values, part.screen(A) + shift)
        return values


def evaluate(utility, X, log, return_grad):
    """Return the values (and gradients) of a utility at the rows of X, as the public functions show them."""
    if not return_grad:
        values = utility.screen(X)
        return values if log else safe_exp(values)
    values, gradients = np.empty(len(X)), np.empty(X.shape)
    for i, x in enumerate(X):
        values[i], gradients[i] = utility.at(x)
    if log:
        return values, gradients
    values = safe_exp(values)
    # a gradient of the logarithm may be as large as a float allows where the value itself is 0
    return values, np.where(values[:, None] > 0, values[:, None] * gradients, 0.0)


def next_noise(posterior):
    """Return the noise variance expected of the next observation, in model units: the median of what was seen."""
    return float(np.median(posterior.noise)) if len(posterior.noise) else float(posterior.noise_variance)


def check_gp(gp, owner):
    """Return the posteriors of a fitted GaussianProcess."""
    posteriors = getattr(gp, "posteriors_", None)
    if isinstance(gp, type) or not isinstance(posteriors, (tuple, list)) or not posteriors:
        raise InputError(
            f"{owner}: gp must be a fitted bayes.GaussianProcess; got {gp!r:.100}. Call its fit(X, y) first."
        )
    return tuple(posteriors)


def check_points(X, owner, posteriors, name="X"):
    """Return points with as many columns as those that the process was fitted on."""
    X = check_matrix(X, owner, name)
    d = posteriors[0].X.shape[1]
    if X.shape[1] != d:
        raise InputError(f"{owner}: {name} must have {d} columns, as in fit; got {X.shape[1]}.")
    return X


def check_noise(y_var, owner):
    """Return the noise variance of the next observation, or None."""
    if y_var is None:
        return None
    remedy = "Leave it out for that of the rows seen."
    return check_number(y_var, owner, "y_var", low=0, high=1e150, closed=True, remedy=remedy)
