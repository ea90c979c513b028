"""What a Gaussian process says after the data: means, variances, covariances, their gradients, one more row.

All in model units, y_model = (y - offset) / scale; inputs are as given.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from uq._base.frozen import Frozen

from ._kernels import Kernel
from ._linalg import cholesky, cholesky_with_jitter, solve_lower, solve_upper
from ._mean import ConstantMean

__all__ = ["At", "Posterior", "Targets"]

ZERO_VARIANCE = 1e-12  # of the signal variance: what is below is rounding, and an acquisition must not chase it


class At(NamedTuple):
    """The posterior at one point x, with gradients in x.

    Parameters
    ----------
    mu, var : float
        Mean and variance of f(x).
    dmu, dvar : ndarray of shape (d,)
    cov : ndarray of shape (b,)
        Posterior covariance of f at the targets with f(x).
    dcov : ndarray of shape (b, d)
    """

    mu: float
    var: float
    dmu: np.ndarray
    dvar: np.ndarray
    cov: np.ndarray
    dcov: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posterior(Frozen):
    """Gaussian process given data and hyperparameters; see `Posterior.build`.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    y : ndarray of shape (n,)
        In model units.
    noise : ndarray of shape (n,)
        Noise variance of each row: the common one and what is known of the row.
    noise_variance : float
        The common one, also of what will be observed next.
    kernel : Kernel
    trend : ConstantMean or TrendMean
        The mean before any data.
    L : ndarray of shape (n, n)
        Lower Cholesky factor of the covariance of y.
    alpha : ndarray of shape (n,)
        Inverse covariance times residuals.
    offset, scale : float
    jitter : float
        What was added to the noise so that the factor exists.
    """

    X: np.ndarray
    y: np.ndarray
    noise: np.ndarray
    noise_variance: float
    kernel: Kernel
    trend: Any
    L: np.ndarray
    alpha: np.ndarray
    offset: float = 0.0
    scale: float = 1.0
    jitter: float = 0.0
    _scaled: np.ndarray = field(init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "_scaled", self.kernel.scaled(self.X))
        Frozen.__post_init__(self)

    def __reduce__(self):
        names = ["X", "y", "noise", "noise_variance", "kernel", "trend", "L", "alpha", "offset", "scale", "jitter"]
        return _posterior, tuple(getattr(self, name) for name in names)

    @classmethod
    def build(cls, X, y, noise, noise_variance, kernel, trend=None, offset=0.0, scale=1.0):
        """Factor the covariance of the data; n = 0 gives the prior."""
        trend = ConstantMean() if trend is None else trend
        L, jitter = cholesky_with_jitter(kernel(X, X), noise, kernel.signal_variance)
        alpha = solve_upper(L, solve_lower(L, y - trend.values(X)))
        return _posterior(X, y, noise, noise_variance, kernel, trend, L, alpha, offset, scale, jitter)

    @property
    def zero(self):
        """Variances up to this are none: rounding, and what the jitter leaves at evaluated points."""
        return ZERO_VARIANCE * self.kernel.signal_variance + self.jitter

    def mean(self, A):
        """Return the means of f at the rows of A, of shape (m,)."""
        return self.trend.values(A) + self.kernel.between(self.kernel.scaled(A), self._scaled) @ self.alpha

    def mean_var(self, A):
        """Return means and variances of f at the rows of A, each of shape (m,)."""
        k = self.kernel.between(self._scaled, self.kernel.scaled(A))
        return self.trend.values(A) + self.alpha @ k, self._variance(solve_lower(self.L, k))

    def _variance(self, v):
        var = self.kernel.signal_variance - np.einsum("ij,ij->j", v, v)
        return np.where(var > self.zero, var, 0.0)

    def cov(self, A, B):
        """Return the posterior covariances of f at the rows of A and of B, of shape (a, b)."""
        scaled = self.kernel.scaled(A), self.kernel.scaled(B)
        v, w = (solve_lower(self.L, self.kernel.between(self._scaled, points)) for points in scaled)
        return self.kernel.between(*scaled) - v.T @ w

    def sample(self, A, size, rng):
        """Return joint draws of f at the rows of A, of shape (size, m)."""
        cov = self.cov(A, A)
        values, vectors = np.linalg.eigh((cov + cov.T) / 2)
        root = vectors * np.sqrt(np.maximum(values, 0))
        return self.mean(A) + rng.standard_normal((size, len(A))) @ root.T

    def append(self, x, y=None, noise=None):
        """Return the posterior with more rows, by O(n^2) work each; hyperparameters stay.

        Parameters
        ----------
        x : ndarray of shape (d,) or (k, d)
        y : float or ndarray of shape (k,), optional
            In model units. Left out, each row is believed to be its posterior mean, so that means do not move.
        noise : float or ndarray of shape (k,), optional
            Noise variances; the common one by default.
        """
        rows = np.atleast_2d(x)
        k = len(rows)
        # believed rows have the residual 0 in the order of the factor: the means of all of them stay what they were
        y = self.mean(rows) if y is None else np.broadcast_to(np.asarray(y, dtype=float), k)
        noise = np.broadcast_to(np.asarray(self.noise_variance if noise is None else noise, dtype=float), k)
        X, y, noise = np.vstack([self.X, rows]), np.r_[self.y, y], np.r_[self.noise, noise]
        n = len(self.X)
        scaled = self.kernel.scaled(rows)
        below = solve_lower(self.L, self.kernel.between(self._scaled, scaled)).T
        corner = self.kernel.between(scaled, scaled) - below @ below.T
        corner.flat[:: k + 1] += noise[n:] + self.jitter
        factor = cholesky(corner)
        if factor is None or (k and np.diag(factor).min() ** 2 <= ZERO_VARIANCE * self.kernel.signal_variance):
            return Posterior.build(
                X, y, noise, self.noise_variance, self.kernel, self.trend, self.offset, self.scale
            )  # repeated rows without noise need a larger jitter
        L = np.zeros((n + k, n + k))
        L[:n, :n], L[n:, :n], L[n:, n:] = self.L, below, factor
        alpha = solve_upper(L, solve_lower(L, y - self.trend.values(X)))
        return _posterior(
            X, y, noise, self.noise_variance, self.kernel, self.trend, L, alpha, self.offset, self.scale, self.jitter
        )

    def targets(self, B=None):
        """Return a cache against which candidates are evaluated: `B` (b, d) are the points whose means may change."""
        return Targets(self, B)


class Targets:
    """Posterior at candidates, with covariances to fixed points.

    Parameters
    ----------
    posterior : Posterior
    B : ndarray of shape (b, d) or None
        None leaves covariances out (they are empty).

    Attributes
    ----------
    mu : ndarray of shape (b,)
        Posterior means of f at the targets.
    """

    def __init__(self, posterior, B=None):
        self.posterior = posterior
        kernel = posterior.kernel
        own = B is posterior.X
        if B is None:
            B = np.empty((0, posterior.X.shape[1]))
        self._points = posterior._scaled if own else kernel.scaled(B)
        k = kernel.between(posterior._scaled, self._points)
        self.mu = posterior.trend.values(B) + posterior.alpha @ k
        self._V = solve_lower(posterior.L, k)
        self._zero = posterior.zero

    def at(self, x):
        """Return the record `At` of one point x (d,)."""
        post = self.posterior
        kernel = post.kernel
        z = kernel.scaled(x)
        k, dk = kernel.at(post._scaled, z)
        mu, dmu = post.trend.at(x)
        mu = mu + post.alpha @ k
        dmu = post.alpha @ dk if dmu is None else dmu + post.alpha @ dk
        n, d = dk.shape
        if n:
            both = np.empty((n, d + 1), order="F")
            both[:, 0], both[:, 1:] = k, dk
            both = solve_lower(post.L, both)
        else:
            both = np.empty((0, d + 1))
        v = both[:, 0]
        var = kernel.signal_variance - v @ v
        dvar = -2 * (v @ both[:, 1:])
        if var <= self._zero:
            var = 0.0
        if self._points is post._scaled:
            to, dto = k, dk
        elif len(self._points):
            to, dto = kernel.at(self._points, z)
        else:
            return At(float(mu), float(var), dmu, dvar, np.empty(0), np.empty((0, d)))
        removed = self._V.T @ both
        return At(float(mu), float(var), dmu, dvar, to - removed[:, 0], dto - removed[:, 1:])

    def many(self, A):
        """Return means (m,), variances (m,) and covariances (m, b) of the rows of A."""
        post = self.posterior
        scaled = post.kernel.scaled(A)
        k = post.kernel.between(post._scaled, scaled)
        v = solve_lower(post.L, k)
        cov = post.kernel.between(scaled, self._points) - v.T @ self._V
        return post.trend.values(A) + post.alpha @ k, post._variance(v), cov


def _posterior(X, y, noise, noise_variance, kernel, trend, L, alpha, offset, scale, jitter):
    return Posterior(
        X=X,
        y=y,
        noise=noise,
        noise_variance=noise_variance,
        kernel=kernel,
        trend=trend,
        L=L,
        alpha=alpha,
        offset=offset,
        scale=scale,
        jitter=jitter,
    )
