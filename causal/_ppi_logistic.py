"""Logistic regression with predictions: a convex loss of all rows, and the sandwich of its two sides."""

import numpy as np
from scipy.linalg import LinAlgError, eigh

from uq._base.exceptions import NotIdentifiedError
from uq._base.groups import cluster_sums
from uq._base.laws import TLaw
from uq._base.moments import power_of_two
from uq._base.newton import logistic_loss, newton

from ._functional import hc1_factor, satterthwaite
from ._influence import Influence
from ._ppi_estimate import PoweredEstimate
from ._ppi_sides import joined

__all__ = [
    "LogisticSide",
    "column_scale",
    "logistic_power",
    "powered_logistic",
    "solve_logistic",
]

MANY_ROWS = 65536  # from here on the search starts at the answer of some of the rows
FLAT = 1e-9  # curvature p (1 - p) on average: where outcomes are separated, the search ends at 1e-15


class LogisticSide:
    """Rows of a logistic regression: columns, outcome (or prediction), weights."""

    def __init__(self, X, rows, scale):
        self.X, self.rows, self.scale = X, rows, scale
        self.columns = list((X / scale).T.copy())
        self.shares = None if rows.weights is None else rows.weights / rows.weights.sum()
        self.n, self.k = X.shape

    def loss(self, theta, target):
        """Return the mean loss, its gradient and its Hessian."""
        return logistic_loss(theta, self.columns, target, self.shares)

    def cross(self):
        """Return the mean of the products of the columns."""
        x = np.stack(self.columns)
        return (x if self.shares is None else x * self.shares) @ x.T / (self.n if self.shares is None else 1.0)

    def thinned(self):
        """Return every seventeenth row."""
        some = slice(None, None, 17)
        side = object.__new__(LogisticSide)
        side.columns = [column[some] for column in self.columns]
        side.shares = None if self.shares is None else self.shares[some]
        if side.shares is not None and side.shares.sum() > 0:
            side.shares = side.shares / side.shares.sum()
        return side

    def probabilities(self, theta):
        """Return the probabilities of the rows."""
        eta = sum(t * column for t, column in zip(theta, self.columns, strict=True))
        small = np.exp(-np.abs(eta))
        return np.where(eta >= 0, 1.0, small) / (1.0 + small)

    def influence(self, residual, inverse):
        """Return influence values of score residuals, (n, k) or per cluster; their squares sum to the variance."""
        shares = np.full(self.n, 1 / self.n) if self.shares is None else self.shares
        scores = np.stack([column * residual for column in self.columns], axis=1)
        scores -= shares @ scores
        values = (scores * shares[:, None]) @ inverse / self.scale
        n, k, groups = self.n, self.k, self.rows.groups
        if groups is not None:
            values = cluster_sums(values, groups)
        factor = hc1_factor(n, k, None if groups is None else len(values))
        with np.errstate(invalid="ignore"):
            values = values * np.sqrt(factor)
        return np.where(np.isnan(values), np.inf, values)


def solve_logistic(owner, labelled, unlabelled, y, f, fu, power):
    """Return coefficients (of scaled columns) and the inverse Hessian there."""

    def evaluate(there):
        target = fu if there is unlabelled else fu[::17]

        def loss(theta):
            parts = [(1.0, labelled.loss(theta, y))]
            if power:
                parts += [(-power, labelled.loss(theta, f)), (power, there.loss(theta, target))]
            return tuple(sum(weight * part[i] for weight, part in parts) for i in range(3))

        return loss

    start = np.zeros(labelled.k)
    with np.errstate(over="ignore", invalid="ignore"):  # on the way to infinity, where there is no minimum
        if power and len(fu) >= MANY_ROWS and (unlabelled.shares is None or unlabelled.shares[::17].sum() > 0):
            found, reached = newton(evaluate(unlabelled.thinned()), start)
            start = found if reached else start
        theta, reached = newton(evaluate(unlabelled), start)
        if not reached and start.any():
            theta, reached = newton(evaluate(unlabelled), np.zeros(labelled.k))
        hessian = evaluate(unlabelled)(theta)[2]
        most = (1 - power) * labelled.cross() + power * unlabelled.cross()
    if not reached or not _curved(hessian, most):
        raise NotIdentifiedError(
            f"{owner}: the loss has no minimum: a combination of the columns of X separates the outcomes, or the "
            "labels contradict the predictions more than these rows can resolve. Give more labels, or fewer columns."
        )
    return theta, np.linalg.inv(hessian)


def _curved(hessian, most):
    """Tell whether the curvature is that of a minimum in all directions in which the columns extend."""
    if not np.isfinite(hessian).all():
        return False
    try:
        return eigh(hessian, most, eigvals_only=True)[0] > FLAT
    except LinAlgError:
        return False


def logistic_power(labelled, unlabelled, y, f, fu, theta, inverse):
    """Return the lambda of least variance at theta, averaged over coefficients relative to that of the labels alone."""
    here, there = labelled.probabilities(theta), unlabelled.probabilities(theta)
    a, b = (labelled.influence(t - here, inverse) for t in (y, f))
    c = unlabelled.influence(fu - there, inverse)
    with np.errstate(invalid="ignore", over="ignore"):
        own = (a**2).sum(axis=0)
        scale = np.where((own > 0) & np.isfinite(own), own, 1.0)
        numerator, denominator = (
            ((a * b).sum(axis=0) / scale).sum(),
            (((b**2).sum(axis=0) + (c**2).sum(axis=0)) / scale).sum(),
        )
        power = numerator / denominator if 0 < denominator < np.inf else 0.0
    return float(np.clip(power, 0.0, 1.0)) if np.isfinite(power) else 0.0


def column_scale(*matrices):
    """Return a power of two per column that brings its values to within 1."""
    return power_of_two(np.max([np.abs(m).max(axis=0) for m in matrices], axis=0))


def powered_logistic(owner, labelled, unlabelled, power, method):
    """Return the Estimate of a logistic regression.

    Parameters
    ----------
    owner, method : str
    labelled, unlabelled : Taken
    power : float or None
        None estimates it.
    """
    scale = column_scale(labelled.X, unlabelled.X)
    one = LogisticSide(labelled.X, labelled.rows, scale)
    two = LogisticSide(unlabelled.X, unlabelled.rows, scale)
    data = labelled.rows.y, labelled.rows.z, unlabelled.rows.z
    if power is None:
        try:
            pilot = solve_logistic(owner, one, two, *data, 0.0)
        except NotIdentifiedError:
            pilot = solve_logistic(owner, one, two, *data, 1.0)
        power = logistic_power(one, two, *data, *pilot)
    theta, inverse = solve_logistic(owner, one, two, *data, power)
    y, f, fu = data
    fit = one.influence(y - power * f - (1 - power) * one.probabilities(theta), inverse)
    apply = power * two.influence(fu - two.probabilities(theta), inverse) if power else np.zeros((0, one.k))
    rest = None
    if power:
        fit, apply, rest = joined(fit, apply, labelled.rows, unlabelled.rows)
    return _estimate(theta / scale, fit, apply, rest, labelled, unlabelled, power, method)


def _estimate(theta, fit, apply, rest, labelled, unlabelled, power, method):
    """Return the Estimate that coefficients and influence values make."""
    k = len(theta)
    parts = [values.T @ values for values in (fit, apply)]
    variances = [np.where(np.isnan(np.diag(part)), np.inf, np.diag(part)) for part in parts]
    unusable = ~(variances[0] > 0) | ~np.isfinite(sum(variances))
    known = not unusable.any()
    std_error = np.where(unusable, np.inf, np.sqrt(sum(variances)))
    total = np.where(unusable, 1.0, std_error) ** 2
    dfs = [
        np.full(k, max(s.units - 1 if s.rows.groups is not None else min(s.units - 1, len(s.rows.z) - k), 1.0))
        for s in (labelled, unlabelled)
    ]
    df = satterthwaite([np.where(unusable, 0.0, v) / total for v in variances], dfs)
    groups = [side.rows.n_groups for side in (labelled, unlabelled) if side.rows.groups is not None]
    return PoweredEstimate(
        estimate=theta,
        std_error=std_error,
        n=len(labelled.rows.z) + len(unlabelled.rows.z),
        method=method,
        guarantee="asymptotic",
        law=TLaw(estimate=theta, std_error=std_error, df=df),
        names=labelled.names if labelled.names is not None else unlabelled.names,
        cov=parts[0] + parts[1] if known else None,
        n_groups=sum(groups) if groups else None,
        influence=Influence.of(fit, apply, labelled.rows.source, rest, "logistic") if known else None,
        power=power,
    )
