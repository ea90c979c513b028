"""The probability that a constraint holds, in logs."""

import math

import numpy as np
from scipy.special import erfcx, log_ndtr

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.validation import check_number, check_switch

from ._utility import Average, check_gp, check_points, evaluate

__all__ = ["Feasibility", "probability_of_feasibility"]

_FAR = 1e150  # in standard deviations: whose square is a float
_SQRT_2 = math.sqrt(2)
_SQRT_2_PI = math.sqrt(2 / math.pi)


class _Within:
    """P(lower <= f(x) <= upper) of one posterior; limits in model units, infinite where there is none."""

    def __init__(self, posterior, lower, upper):
        self._targets = posterior.targets()
        self._lower, self._upper = lower, upper

    def at(self, x):
        mu, var, dmu, dvar, *_ = self._targets.at(x)
        if var == 0.0:
            return (0.0 if self._lower <= mu <= self._upper else -np.inf), np.zeros(len(x))
        sd = math.sqrt(var)
        low, high = (self._lower - mu) / sd, (self._upper - mu) / sd
        value = float(_log_within(np.array(low), np.array(high)))
        if value == -np.inf:
            return value, np.zeros(len(x))
        gradient = np.zeros(len(x))
        for z, weight in zip((low, high), _densities(low, high), strict=True):
            if math.isfinite(z):
                gradient -= weight * (dmu / sd + z / (2 * var) * dvar)
        return value, gradient

    def screen(self, A):
        mu, var, _ = self._targets.many(A)
        sd = np.sqrt(np.where(var > 0, var, 1.0))
        values = _log_within((self._lower - mu) / sd, (self._upper - mu) / sd)
        known = np.where((self._lower <= mu) & (mu <= self._upper), 0.0, -np.inf)
        return np.where(var > 0, values, known)


def _log_within(low, high):
    """Return log(Phi(high) - Phi(low)) for low <= high."""
    # both in the lower tail, where differences of logarithms are accurate
    flip = low > -high
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    large, small = log_ndtr(high), log_ndtr(low)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = large + np.log(-np.expm1(small - large))
    return np.where(small == -np.inf, large, np.where(low == high, -np.inf, value))


def _densities(low, high):
    """Return -phi(low) and phi(high), divided by Phi(high) - Phi(low), for low < high."""
    if low > -high:
        up, down = _densities(-high, -low)
        return -down, -up
    # phi / Phi by the scaled error function, which neither underflows nor cancels in the lower tail
    below, above = (_SQRT_2_PI / erfcx(-z / _SQRT_2) if z > -math.inf else 0.0 for z in (low, high))
    if low < -_FAR:
        return 0.0, above
    left_out = math.exp((high - low) / 2 * (high + low)) * above / below  # Phi(low) / Phi(high)
    rest = 1 - left_out
    if rest < 1e-6:  # limits so close that their difference has no digits left: a trapezoid has
        rest = (high - low) * (above + below * left_out) / 2
    return -below * left_out / rest, above / rest


class Feasibility(Average):
    """The utility of `probability_of_feasibility`; limits in units of y, infinite where there is none."""

    def __init__(self, gp, lower=-np.inf, upper=np.inf):
        posteriors = gp.posteriors_
        parts = [_Within(p, (lower - p.offset) / p.scale, (upper - p.offset) / p.scale) for p in posteriors]
        super().__init__(parts, np.zeros(len(posteriors)))


@cites("gardner2014")
def probability_of_feasibility(gp, X, *, lower=None, upper=None, log=False, return_grad=False):
    """Return the posterior probability that f keeps within limits at each point.

    Parameters
    ----------
    gp : GaussianProcess
        Fitted on the values of the constraint.
    X : array-like of shape (n_points, n_columns)
        Where to evaluate; columns as in fit.
    lower, upper : float, optional
        The limits, in units of y; at least one of them. ``upper=2`` asks for f <= 2.
    log : bool, default False
        Return the logarithm, which does not underflow. Those of several constraints may be added, and to the logarithm
        of an acquisition.
    return_grad : bool, default False
        Also return the gradient in the points.

    Returns
    -------
    value : ndarray of shape (n_points,)
        In [0, 1]. With `return_grad` a tuple ``(value, gradient)``, the gradient of shape (n_points, n_columns).

    Raises
    ------
    InputError
        For a process that is not fitted, NaN, infinite or no points, columns other than in fit, no limit, and limits
        that are not in order.

    Notes
    -----
    It is about f, the constraint without the noise of its observations. With several posteriors it is the mean of the
    probabilities of each. Adding logarithms of several constraints takes them to be independent.

    **Guarantee.** Exact for the process as fitted, at each point by itself; a posterior probability, which is right if
    the model and its length scales are.

    References
    ----------
    .. [1] J. Gardner, M. Kusner, Z. Xu, K. Weinberger, J. Cunningham (2014). Bayesian optimization with inequality
       constraints. Proceedings of the 31st International Conference on Machine Learning, 937-945.

    Examples
    --------
    >>> import numpy as np
    >>> from bayes import GaussianProcess, probability_of_feasibility
    >>> X = np.array([[0.0], [0.4], [1.0]])
    >>> gp = GaussianProcess(
    ...     length_scale=0.3, signal_variance=1.0, noise_variance=0.0, hyperparameters="fixed", normalize_y=False
    ... )
    >>> gp = gp.fit(X, np.array([0.0, 1.0, 0.5]))
    >>> probability_of_feasibility(gp, [[0.4], [0.7]], upper=0.9).round(3)
    array([0.   , 0.572])
    """
    owner = "probability_of_feasibility"
    posteriors = check_gp(gp, owner)
    X = check_points(X, owner, posteriors)
    if lower is None and upper is None:
        raise InputError(f"{owner}: lower or upper must be given; got neither. Use upper=2.0 for f <= 2.")
    low = -np.inf if lower is None else check_number(lower, owner, "lower", low=-1e150, high=1e150)
    high = np.inf if upper is None else check_number(upper, owner, "upper", low=-1e150, high=1e150)
    if not low < high:
        raise InputError(f"{owner}: lower must be less than upper; got {low:g} and {high:g}.")
    log, return_grad = check_switch(log, owner, "log"), check_switch(return_grad, owner, "return_grad")
    return evaluate(Feasibility(gp, low, high), X, log, return_grad)
