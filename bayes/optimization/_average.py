"""What data on f(x, w) say of an average G(x) = sum over w of weight f(x, w), at the fidelity that counts."""

from typing import NamedTuple

import numpy as np

from ._average_kernel import AverageKernel
from ._linalg import solve_lower
from ._mean import ConstantMean

__all__ = ["AverageAt", "AverageTargets", "AveragedPosterior"]

_STEP = np.finfo(float).eps ** (1 / 3)


class AveragedPosterior:
    """The average that counts, of one posterior.

    Parameters
    ----------
    posterior : Posterior
        Of f on params, environment and fidelity.
    context : Context
    """

    def __init__(self, posterior, context):
        self.posterior = posterior
        nodes, weights, integrated = context.nodes(exact=posterior.kernel.name == "gaussian")
        self.kernel = AverageKernel(posterior.kernel, nodes, weights, integrated)
        # what the mean before any data is averaged over, which may be any function
        self._nodes, self._weights = context.nodes(exact=False)[:2] if len(integrated) else (nodes, weights)

    def trend(self, B):
        """Return the means of G before any data at the rows of B (b, p)."""
        trend = self.posterior.trend
        if isinstance(trend, ConstantMean):
            return np.full(len(B), trend.value)
        m = len(self._nodes)
        rows = np.hstack([np.repeat(B, m, axis=0), np.tile(self._nodes, (len(B), 1))])
        return trend.values(rows).reshape(len(B), m) @ self._weights

    def trend_slope(self, x):
        """Return the gradient of the mean before any data, by differences."""
        p = len(x)
        if isinstance(self.posterior.trend, ConstantMean):
            return np.zeros(p)
        steps = _STEP * np.eye(p)
        values = self.trend(np.vstack([x + steps, x - steps]))
        return (values[:p] - values[p:]) / (2 * _STEP)

    def whitened(self, B):
        """Return L^{-1} cov(y, G(B)) of shape (n, b) and the covariances themselves."""
        k = np.ascontiguousarray(self.kernel.cross(B, self.posterior.X).T)
        return solve_lower(self.posterior.L, k), k

    def mean_var(self, B):
        """Return means and variances of G at the rows of B, each of shape (b,)."""
        v, k = self.whitened(B)
        prior = self.kernel.variance()
        var = prior - np.einsum("ij,ij->j", v, v)
        return self.trend(B) + self.posterior.alpha @ k, np.where(var > self.posterior.zero, var, 0.0)

    def cov(self, A, B):
        """Return the posterior covariances of G at the rows of A and of B, of shape (a, b)."""
        return self.kernel.between(A, B) - self.whitened(A)[0].T @ self.whitened(B)[0]

    def mean_at(self, x):
        """Return the mean of G at one x (p,), and its gradient."""
        k, dk = self.kernel.average_at(x, self.posterior.X)
        alpha = self.posterior.alpha
        return float(self.trend(x[None])[0] + alpha @ k), self.trend_slope(x) + alpha @ dk


class AverageAt(NamedTuple):
    """The posterior at one point z = (x, w), and of G at x and at the targets, with gradients in z.

    Parameters
    ----------
    var : float
        Of f(z).
    dvar : ndarray of shape (d,)
    mu : float
        Mean of G(x).
    dmu : ndarray of shape (d,)
        0 in the columns of w.
    cov : ndarray of shape (b + 1,)
        Posterior covariances with f(z) of G at the targets and, last, at x.
    dcov : ndarray of shape (b + 1, d)
    """

    var: float
    dvar: np.ndarray
    mu: float
    dmu: np.ndarray
    cov: np.ndarray
    dcov: np.ndarray


class AverageTargets:
    """Posterior at candidates (x, w), with covariances to averages at fixed points.

    Parameters
    ----------
    average : AveragedPosterior
    B : ndarray of shape (b, p)

    Attributes
    ----------
    mu : ndarray of shape (b,)
        Posterior means of G at the targets.
    """

    def __init__(self, average, B):
        self.average, self.B = average, B
        self._V, k = average.whitened(B)
        self.mu = average.trend(B) + average.posterior.alpha @ k

    def at(self, z):
        """Return the record `AverageAt` of one point z (d,)."""
        average, post = self.average, self.average.posterior
        kernel, p, d = average.kernel, average.kernel.p, len(z)
        x = z[:p]
        k, dk = post.kernel.at(post._scaled, post.kernel.scaled(z))
        kx, dkx = kernel.average_at(x, post.X)
        white = solve_lower(post.L, np.asfortranarray(np.column_stack([k, dk, kx, dkx])))
        v, dv, vx, dvx = white[:, 0], white[:, 1 : d + 1], white[:, d + 1], white[:, d + 2 :]
        var = post.kernel.signal_variance - v @ v
        to, dto = kernel.cross_at(self.B, z)
        own, down = kernel.own_at(z)
        down -= vx @ dv
        down[:p] -= v @ dvx
        dmu = np.zeros(d)
        dmu[:p] = average.trend_slope(x) + post.alpha @ dkx
        return AverageAt(
            float(var) if var > post.zero else 0.0,
            -2 * (v @ dv),
            float(average.trend(x[None])[0] + post.alpha @ kx),
            dmu,
            np.append(to - self._V.T @ v, own - vx @ v),
            np.vstack([dto - self._V.T @ dv, down]),
        )

    def many(self, Z):
        """Return variances of f(Z) (m,), means of G at their x (m,), and covariances (m, b + 1) as in `AverageAt`."""
        average, post = self.average, self.average.posterior
        p = average.kernel.p
        v = solve_lower(post.L, post.kernel.between(post._scaled, post.kernel.scaled(Z)))
        vx, kx = average.whitened(Z[:, :p])
        cov = average.kernel.cross(self.B, Z).T - v.T @ self._V
        own = average.kernel.own(Z) - np.einsum("ij,ij->j", v, vx)
        return post._variance(v), average.trend(Z[:, :p]) + post.alpha @ kx, np.column_stack([cov, own])
