"""Newton's method for convex losses with few parameters and many rows, which are visited in blocks."""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh

__all__ = ["fit_logistic", "logistic_loss", "newton"]

BLOCK = 16384
MANY_ROWS = 65536  # from here on the search starts at the answer of every sixteenth row
DONE = 1e-15  # squared Newton decrement whose step is the last: the error after it is of the order of this square
ROUNDING = 1e-14


def newton(evaluate, start, *, max_iter=100):
    """Return (minimiser, whether it was reached) of a convex function.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(theta)`` gives value, gradient and Hessian. Losses are means over rows: the tolerances are absolute.
    start : ndarray of shape (n_parameters,)
    max_iter : int
    """
    theta = np.array(start, dtype=np.float64)
    value, gradient, hessian = evaluate(theta)
    for _ in range(max_iter):
        step = _solve(hessian, gradient)
        decrement = float(gradient @ step)
        if decrement <= DONE:
            return theta - step, True
        size = 1.0
        while True:
            there = theta - size * step
            new = evaluate(there)
            if new[0] <= value - 1e-4 * size * decrement + ROUNDING * max(1.0, abs(value)):
                break
            size /= 2
            if size < 1e-12:
                return theta, False
        theta, (value, gradient, hessian) = there, new
    return theta, False


def _solve(hessian, gradient):
    """Return the Newton step; along directions without curvature it does not move."""
    scale = np.sqrt(np.maximum(np.diag(hessian), 0.0))
    scale[scale == 0] = 1.0
    scaled = hessian / scale / scale[:, None]
    try:
        factor = cho_factor(scaled, lower=True, check_finite=False)
        if np.diag(factor[0]).min() > 1e-6:
            return cho_solve(factor, gradient / scale, check_finite=False) / scale
    except LinAlgError:
        pass
    values, vectors = eigh(scaled)
    kept = values > 1e-14 * len(values) * max(values[-1], 0.0)
    inverse = np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)
    return vectors @ (inverse * (vectors.T @ (gradient / scale))) / scale


def logistic_loss(theta, columns, target, weights=None, penalty=0.0):
    """Return the mean log loss of shares `target` in [0, 1] at coefficients `theta`, its gradient and its Hessian.

    Parameters
    ----------
    theta : ndarray of shape (n_columns,)
    columns : sequence of ndarray of shape (n_rows,)
        The features; a constant one is an intercept.
    target : ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,), optional
        They sum to 1; equal ones without.
    penalty : float or ndarray of shape (n_columns,)
        Adds ``sum(penalty * theta**2)``.
    """
    d = len(columns)
    value, gradient, hessian = 0.0, np.zeros(d), np.zeros((d, d))
    for start in range(0, len(target), BLOCK):
        rows = slice(start, start + BLOCK)
        x, t = np.stack([column[rows] for column in columns]), target[rows]
        eta = theta @ x
        small = np.exp(-np.abs(eta))
        whole = 1.0 + small
        p = np.where(eta >= 0, 1.0, small) / whole
        losses = np.maximum(eta, 0.0) + np.log(whole) - t * eta
        residual, curvature = p - t, small / whole**2
        if weights is not None:
            w = weights[rows]
            losses, residual, curvature = losses * w, residual * w, curvature * w
        value += losses.sum()
        gradient += x @ residual
        hessian += (x * curvature) @ x.T
    scale = 1.0 / len(target) if weights is None else 1.0
    return (
        value * scale + float(np.sum(penalty * theta**2)),
        gradient * scale + 2 * penalty * theta,
        hessian * scale + np.diag(np.broadcast_to(2.0 * np.asarray(penalty, dtype=np.float64), d)),
    )


def fit_logistic(columns, target, weights=None, *, penalty=0.0, start=None):
    """Return (coefficients, whether the minimum was reached) of a logistic regression on shares; see `logistic_loss`.

    Features should be of the order of 1. Separable targets have no minimum; then the answer is where the search
    stopped, or an arbitrary point far out.
    """
    first = np.zeros(len(columns)) if start is None else start
    theta = first
    if len(target) >= MANY_ROWS:
        some = slice(None, None, 17)  # a prime: rows may have a period
        part = None if weights is None else weights[some]
        if part is None or part.sum() > 0:
            part = None if part is None else part / part.sum()
            found, reached = fit_logistic([c[some] for c in columns], target[some], part, penalty=penalty, start=first)
            theta = found if reached else first

    def loss(at):
        return logistic_loss(at, columns, target, weights, penalty)

    found, reached = newton(loss, theta)
    if not reached and theta is not first:
        found, reached = newton(loss, first)
    return found, reached
