"""How well hyperparameters explain the data: the log marginal likelihood, its gradient, and priors on the logarithms.

A point theta holds log length scales (one per group of columns, in the units of the columns), log signal variance and
log noise variance. Half of the pairs of rows is enough, as all matrices are symmetric.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from ._kernels import correlation, correlation_and_slope
from ._linalg import JITTER, NotPositiveDefiniteError

__all__ = ["BOUNDS", "Likelihood", "LogPrior", "Trend", "default_theta"]

# log length scale, log signal variance, log noise variance: beyond them nothing changes but the rounding
BOUNDS = ((-7.0, 12.0), (-10.0, 8.0), (math.log(1e-6), 6.0))
_LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class LogPrior:
    """Independent normal laws of the entries of theta.

    Inputs are assumed to span about one unit, outputs to have about unit variance.
    """

    centre: np.ndarray
    spread: np.ndarray

    @classmethod
    def default(cls, n_groups, natural=False):
        """Return the laws for so many length scales: long where there are many, so that their sum stays smooth.

        With `natural`, such that the mode over theta is that over the hyperparameters themselves: the Jacobian of the
        exponential moves a normal law by its variance. The law of the noise is that of a search, then, whose first
        trials are few: twice as wide and not moved, as one that expects little noise makes a search follow it.
        """
        long = math.sqrt(2) + math.log(max(n_groups, 1)) / 2
        centre, spread = np.r_[np.full(n_groups, long), 0.0, -4.0], np.r_[np.full(n_groups, math.sqrt(3)), 1.0, 1.0]
        if natural:
            centre[:-1] -= spread[:-1] ** 2
            spread[-1] = 2.0
        return cls(centre, spread)

    def minus_log(self, theta, free):
        """Return minus the log density of the free entries, and its gradient."""
        z = np.where(free, (np.where(free, theta, 0.0) - self.centre) / self.spread, 0.0)
        constant = np.log(self.spread[free]).sum() + free.sum() * _LOG_2PI / 2
        return 0.5 * z @ z + constant, z / self.spread


def default_theta(n_groups, natural=False):
    """Return the point at which searches begin: the mode of the prior."""
    return LogPrior.default(n_groups, natural).centre


class Trend(NamedTuple):
    """Coefficients of the mean given theta: their mode, and the lower Cholesky factor of their precision."""

    coef: np.ndarray
    factor: np.ndarray


class Likelihood:
    """Minus log likelihood of theta for one data set.

    Parameters
    ----------
    kernel : str
    X : ndarray of shape (n, d)
        In units of the columns.
    columns : ndarray of int, shape (d,)
        Which length scale each column uses.
    y : ndarray of shape (n,)
        In model units, what is known of the mean subtracted.
    H : ndarray of shape (n, p)
        Columns of the mean whose coefficients are estimated.
    extra : ndarray of shape (n,)
        Known noise variances.
    precision : float
        Of the normal prior around 0 of each coefficient of the mean; 0 for none.
    prior : LogPrior or None
    free : ndarray of bool, shape (n_groups + 2,)
        Which entries of theta the prior speaks of.
    """

    def __init__(self, kernel, X, columns, y, H, extra, precision, prior, free):
        self.kernel, self.y, self.H, self.extra = kernel, y, H, extra
        self.X, self.columns = X, columns
        self.precision, self.prior, self.free = precision, prior, free
        n = len(X)
        self.n, self.n_groups = n, int(columns.max()) + 1
        rows, cols = np.tril_indices(n, -1)
        self._rows, self._cols, self._flat = rows, cols, rows * n + cols
        self._apart = np.empty((self.n_groups, len(rows)))
        for group in range(self.n_groups):
            parts = X[:, columns == group]
            gap = parts[rows] - parts[cols]
            np.einsum("ij,ij->i", gap, gap, out=self._apart[group])
        self._both = np.asfortranarray(np.column_stack([y, H]))
        self._buffer = np.empty((n, n))

    def part(self, rows):
        """Return the likelihood of these rows alone."""
        return Likelihood(
            self.kernel,
            self.X[rows],
            self.columns,
            self.y[rows],
            self.H[rows],
            self.extra[rows],
            self.precision,
            self.prior,
            self.free,
        )

    def __call__(self, theta, gradient=True):
        """Return minus log posterior density (all constants included), and its gradient in all entries of theta."""
        s2, noise, inverse, rho, slope, R, z, _ = self._solve(theta, gradient)
        value = 0.5 * (z @ z) + np.log(R.diagonal()).sum() + 0.5 * self.n * _LOG_2PI
        value += self._penalty
        if not gradient:
            return value + (self.prior.minus_log(theta, self.free)[0] if self.prior else 0.0)
        alpha = lapack.dtrtrs(R, z, lower=0, trans=0)[0]
        W = lapack.dpotri(R, lower=0, overwrite_c=1)[0].T
        trace = W.diagonal().sum() - alpha @ alpha
        pairs = W.ravel().take(self._flat) if W.flags.c_contiguous else W[self._rows, self._cols]
        pairs -= alpha[self._rows] * alpha[self._cols]
        slopes = np.empty(len(theta))
        slopes[-2] = s2 * (pairs @ rho + 0.5 * trace)
        slopes[-1] = 0.5 * noise * trace
        pairs *= slope
        slopes[:-2] = s2 * inverse * (self._apart @ pairs)
        if self.prior:
            more, steps = self.prior.minus_log(theta, self.free)
            return value + more, slopes + steps
        return value, slopes

    def collapsed(self, theta):
        """Return minus log posterior density of theta with the coefficients of the mean integrated out."""
        R, z, trend = self._solve(theta, False)[5:]
        p = len(trend.coef)
        value = 0.5 * (z @ z) + np.log(R.diagonal()).sum() + 0.5 * self.n * _LOG_2PI + self._penalty
        value += np.log(trend.factor.diagonal()).sum() - 0.5 * p * _LOG_2PI
        return value + (self.prior.minus_log(theta, self.free)[0] if self.prior else 0.0)

    def trend(self, theta):
        """Return the law of the coefficients of the mean given theta."""
        return self._solve(theta, False)[-1]

    def _solve(self, theta, gradient):
        s2, noise = np.exp(theta[-2:])
        inverse = np.exp(-2 * theta[:-2])
        r2 = inverse @ self._apart
        if gradient:
            rho, slope = correlation_and_slope(self.kernel, r2)
        else:
            rho, slope = correlation(self.kernel, r2), None
        R = self._factor(s2 * rho, s2 + noise + self.extra, s2)
        both = lapack.dtrtrs(R, self._both, lower=0, trans=1)[0]
        z, trend = self._project(both[:, 0], both[:, 1:])
        return s2, noise, inverse, rho, slope, R, z, trend

    def _factor(self, covariances, diagonal, s2):
        """Return the upper Cholesky factor, in Fortran's order; what lies below its diagonal is rubbish."""
        jitter = 0.0
        while jitter <= JITTER[1] * s2 * (1 + 1e-9):
            K = self._buffer
            K.ravel()[self._flat] = covariances
            np.fill_diagonal(K, diagonal + jitter)
            R, info = lapack.dpotrf(K.T, lower=0, clean=0, overwrite_a=1)
            if info == 0:
                return R
            jitter = max(10 * jitter, JITTER[0] * s2)
        raise NotPositiveDefiniteError

    def _project(self, z, Z):
        """Take the mean's columns out of the whitened data; the penalty of their coefficients is kept beside."""
        p = Z.shape[1]
        self._penalty = 0.0
        if not p:
            return z, Trend(np.empty(0), np.empty((0, 0)))
        gram = Z.T @ Z
        # without a prior as little as makes columns that depend on each other solvable
        gram.flat[:: p + 1] += self.precision or 1e-10 * max(gram.trace(), 1e-300)
        factor = np.linalg.cholesky(gram)
        coef = np.linalg.solve(gram, Z.T @ z)
        if self.precision:
            self._penalty = 0.5 * self.precision * (coef @ coef) + 0.5 * p * (_LOG_2PI - math.log(self.precision))
        return z - Z @ coef, Trend(coef, factor)
