"""The mean over tasks of a beta-binomial hierarchy, by quadrature (Bowyer et al. 2025, arXiv:2503.01747).

theta ~ U(0, 1), d ~ Exp(1), n_correct of task t ~ BetaBinomial(n_t, d theta, d (1 - theta)). The posterior of theta is
integrated on a tensor grid in (logit theta, log d) that is laid around the mode and widened until the density has
fallen by a factor e^-40: the trapezoidal rule converges exponentially there, with few tasks and with many alike.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import interpolate, optimize, special

from .._base.citation import cites
from .._base.laws import Law

__all__ = ["GridLaw", "hierarchical_law"]

_DROP = 40.0
_FINE = 4001


@cites("bowyer2025")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridLaw(Law):
    """A posterior tabulated as (x, cdf), linear between; limits are its quantiles, p-values its tails."""

    x: Any
    cdf: Any
    support: tuple[float, float] = (0.0, 1.0)

    def lower(self, alpha):
        return float(np.interp(alpha, self.cdf, self.x))

    def upper(self, alpha):
        return float(np.interp(1 - alpha, self.cdf, self.x))

    def p_greater(self, null):
        return float(np.interp(null, self.x, self.cdf))

    def p_less(self, null):
        return 1 - self.p_greater(null)


def hierarchical_law(n_correct, n_trials):
    """Return the posterior law of the mean over tasks, its mean and its standard deviation."""
    density = _log_density(n_correct, n_trials)
    mode, spread = _mode(density, n_correct, n_trials)
    eta = _axis(lambda v: density(v, _near(mode[1], spread[1])).max(axis=1), mode[0], spread[0], step=0.25)
    zeta = _axis(lambda v: density(_near(mode[0], spread[0]), v).max(axis=0), mode[1], spread[1], step=0.35)
    table = density(eta, zeta)
    marginal = special.logsumexp(table, axis=1)
    # the log density is smooth, so a cubic spline carries it to a fine grid without loss
    fine = np.linspace(eta[0], eta[-1], _FINE)
    weight = np.exp(interpolate.CubicSpline(eta, marginal - marginal.max())(fine))
    cumulative = interpolate.CubicSpline(fine, weight).antiderivative()(fine)
    cdf = np.maximum.accumulate(cumulative / cumulative[-1])
    theta = special.expit(fine)
    mass = weight / weight.sum()
    mean = float(mass @ theta)
    sd = float(np.sqrt(mass @ (theta - mean) ** 2))
    x = np.concatenate([[0.0], theta, [1.0]])
    return GridLaw(x=x, cdf=np.concatenate([[0.0], cdf, [1.0]])), mean, sd


def _log_density(n_correct, n_trials):
    """Return the log posterior density on the product of two axes, the Jacobians of both logarithms included."""
    right, many_right = np.unique(n_correct, return_counts=True)
    wrong, many_wrong = np.unique(n_trials - n_correct, return_counts=True)
    trials, many_trials = np.unique(n_trials, return_counts=True)
    n_tasks = len(n_correct)

    def density(eta, zeta):
        theta, d = special.expit(eta)[:, None], np.exp(zeta)[None, :]
        a, b = d * theta, d * special.expit(-eta)[:, None]
        total = special.log_expit(eta)[:, None] + special.log_expit(-eta)[:, None] + zeta[None, :] - d
        total = total + n_tasks * (special.gammaln(d) - special.gammaln(a) - special.gammaln(b))
        for value, many in zip(right, many_right, strict=True):
            total += many * special.gammaln(value + a)
        for value, many in zip(wrong, many_wrong, strict=True):
            total += many * special.gammaln(value + b)
        for value, many in zip(trials, many_trials, strict=True):
            total -= many * special.gammaln(value + d)
        return total

    return density


def _mode(density, n_correct, n_trials):
    def negative(point):
        return -density(np.array([point[0]]), np.array([point[1]]))[0, 0]

    start = special.logit((n_correct.sum() + 0.5) / (n_trials.sum() + 1.0))
    found = optimize.minimize(negative, [start, 0.0], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9})
    spread = []
    for j in range(2):
        step = np.eye(2)[j] * 1e-3
        curvature = (negative(found.x + step) - 2 * found.fun + negative(found.x - step)) / 1e-6
        spread.append(1 / np.sqrt(curvature) if curvature > 1e-2 else 10.0)
    return found.x, spread


def _near(center, spread):
    return center + spread * np.linspace(-4, 4, 17)


def _axis(profile, center, spread, step):
    """Return an equidistant axis around the mode that ends where the profile has fallen by e^-40."""
    peak = profile(np.array([center]))[0]
    ends = []
    for side in (-1, 1):
        reach = 4 * spread
        while peak - profile(np.array([center + side * reach]))[0] < _DROP and reach < 300:
            reach *= 1.3
        ends.append(center + side * reach)
    n = int(np.clip((ends[1] - ends[0]) / (step * spread), 81, 801))
    return np.linspace(ends[0], ends[1], n)
