"""The density that wins most often after a best or worst of n, at a price on its divergence: a boundary value problem.

In quantiles u of the reference a policy is a density f with distribution function F. With L = log f the stationary
policy of "win rate - beta KL" solves F' = exp(L), L' = n^2 (F u)^(n - 1) / beta ("best"; "worst" has 1 - F and 1 - u),
F(0) = 0, F(1) = 1. Two solutions that start with different L(0) never cross, so that F(1) grows with L(0) and one root
is to be found: by Brent's method on where the solution reaches 1, or how far below it ends.
"""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq, minimize_scalar

__all__ = ["exponential_at", "solve", "win_rate_and_kl"]

_MOST = 100.0  # logarithm of a density that no solution reaches
_TOL = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-14}
_LOG_RATES = (-3.0, 14.0)  # of exponential transformations: nearly a line, nearly a step
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)


def solve(n, beta, worst):
    """Return u, F, L, and L' on a grid that is fine where the solution bends."""
    scale = n * n / beta

    def slope(u, state):
        # a trial step may leave what a solution can be
        f, log_density = min(max(state[0], 0.0), 1.0), min(state[1], _MOST)
        return np.exp(log_density), scale * ((1 - f) * (1 - u) if worst else f * u) ** (n - 1)

    def full(u, state):
        return state[0] - 1.0

    full.terminal, full.direction = True, 1  # type: ignore[attr-defined]

    def shoot(start, dense=False):
        return solve_ivp(slope, (0.0, 1.0), (0.0, start), events=full, dense_output=dense, **_TOL)

    def miss(start):
        end = shoot(start)
        # a step that became too small has run into a wall: it grows without bound
        return min(end.y[0, -1] - 1.0, 0.0) if end.status == 0 else 1.0 - end.t[-1]

    # the density grows from 0 to 1 by a factor of exp(n / beta) at most, and is below 1 at 0
    start = brentq(miss, -n / beta - 1.0, 0.0, xtol=1e-13, rtol=1e-14)
    path = shoot(start, dense=True)
    end = path.t[-1]
    knots = np.unique(np.r_[path.t, np.linspace(0, end, 257)])
    fine = np.unique(np.r_[knots, (knots[1:] + knots[:-1]) / 2])
    f, log_density = path.sol(fine)
    f = np.clip(f, 0.0, 1.0)
    u = fine / end
    f = np.maximum.accumulate(f / f[-1])
    left = (1 - f) * (1 - u) if worst else f * u
    return u, f, log_density, scale * left ** (n - 1)


def win_rate_and_kl(n, worst, u, log_density, slope):
    """Return the win rate after a best or worst of n, and KL to the reference, of a density given by its logarithm."""
    half, at = _nodes(u)
    logs, mass, log_total = _normalised(CubicHermiteSpline(u, log_density, slope)(at), half)
    # F at the nodes: whole cells before, and the part of this cell up to the node
    before = np.r_[0.0, np.cumsum(mass.sum(axis=1))[:-1]][:, None]
    cdf = np.clip(before + mass @ _PARTS.T, 0.0, 1.0)
    weight = half * _WEIGHTS
    if worst:
        won = ((1 - cdf) ** n * n * (1 - at) ** (n - 1) * weight).sum()
    else:
        won = 1 - (cdf**n * n * at ** (n - 1) * weight).sum()
    return float(np.clip(won, 0.0, 1.0)), float((mass * logs).sum()), log_total  # rounding may lead above 1


def _nodes(u):
    """Return half the width of each cell, and the quadrature's nodes in it."""
    half = np.diff(u)[:, None] / 2
    return half, (u[1:] + u[:-1])[:, None] / 2 + half * _NODES


def _normalised(logs, half):
    """Return the logarithm of a density at the nodes, its mass there, and the logarithm of what it summed to."""
    mass = half * _WEIGHTS * np.exp(logs - logs.max())
    log_total = float(np.log(mass.sum()) + logs.max())
    return logs - log_total, mass / mass.sum(), log_total


def _partial_sums():
    """Return the matrix that maps values w_j g(x_j) at the nodes to integrals of g from -1 to each node."""
    basis = np.polynomial.legendre.legvander(_NODES, len(_NODES) - 1)
    degree = np.arange(len(_NODES))
    values = (basis * (2 * degree + 1) / 2).T  # coefficients from w g, by orthogonality
    high = np.polynomial.legendre.legvander(_NODES, len(_NODES))
    parts = np.empty((len(_NODES), len(_NODES)))
    parts[:, 0] = _NODES + 1
    parts[:, 1:] = (high[:, 2:] - high[:, :-2]) / (2 * degree[1:] + 1)
    return parts @ values


_PARTS = _partial_sums()


def exponential_at(n, kl, worst, rate=None):
    """Return (rate, its win rate) of the density exp(c T), T(u) = exp(rate u) (worst: -exp(-rate u)), at this KL.

    The rate is the best one where None.
    """
    if rate is None:

        def lost(log_rate):
            return -_exponential(n, kl, worst, np.exp(log_rate))

        logs = np.linspace(*_LOG_RATES, 18)
        best = int(np.argmin([lost(log) for log in logs]))
        near = logs[max(best - 1, 0)], logs[min(best + 1, len(logs) - 1)]
        rate = float(np.exp(minimize_scalar(lost, bounds=near, method="bounded").x))
    return rate, _exponential(n, kl, worst, rate)


def _exponential(n, kl, worst, rate):
    u = np.unique(np.r_[np.linspace(0, 1, 65), 1 - np.geomspace(1e-9, 1, 65), np.geomspace(1e-9, 1, 65)])
    # from 0 to 1, rising: the strength c is what the KL fixes
    shape = -np.expm1(-rate * u) / -np.expm1(-rate) if worst else 1 + np.expm1(rate * (u - 1)) / -np.expm1(-rate)
    bend = rate * np.exp(-rate * u if worst else rate * (u - 1)) / -np.expm1(-rate)

    half, at = _nodes(u)
    curve = CubicHermiteSpline(u, shape, bend)(at)  # a spline is linear in its values: one serves every strength

    def excess(log_c):
        logs, mass, _ = _normalised(np.exp(log_c) * curve, half)
        return float((mass * logs).sum()) - kl

    if excess(-20.0) >= 0:
        return win_rate_and_kl(n, worst, u, 0 * shape, 0 * bend)[0]
    if excess(12.0) <= 0:  # so flat at its top that no strength reaches this divergence
        return 0.0
    log_c = brentq(excess, -20.0, 12.0, xtol=1e-10)
    return win_rate_and_kl(n, worst, u, np.exp(log_c) * shape, np.exp(log_c) * bend)[0]
